/* SPDX-License-Identifier: BSD-2-Clause */
#include "confine/confine_priv.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Made of calls.txt and of the sources, by tools/syscalls.py. */
static const char *const calls[] = {
#define CALL(name) #name,
#define REQUEST(name)
#include "confine/calls.inc"
#undef CALL
#undef REQUEST
};

static const unsigned long requests[] = {
#define CALL(name)
#define REQUEST(name) name,
#include "confine/calls.inc"
#undef CALL
#undef REQUEST
};

/* Nobody calls one of these by mistake. */
static const char *const deadly[] = { "execve", "execveat", "ptrace",
	"process_vm_readv", "process_vm_writev", "setns", "unshare", "mount",
	"umount2", "open_tree", "move_mount", "pivot_root", "chroot", "bpf",
	"perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key",
	"kexec_load", "kexec_file_load", "init_module", "finit_module",
	"delete_module", "open_by_handle_at", "personality", "setuid", "setgid",
	"setreuid", "setregid", "setresuid", "setresgid", "setgroups" };

static const int families[] = { AF_UNIX, AF_INET, AF_INET6,
	AF_NETLINK /* getaddrinfo(3) asks for addresses */ };

#define ALL(arg, mask, value) \
	SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, (mask), (value))

/* Allowed with some arguments, below. */
static bool
is_limited(int nr)
{
	return nr == SCMP_SYS(ioctl) || nr == SCMP_SYS(socket) ||
	       nr == SCMP_SYS(clone) || nr == SCMP_SYS(mmap) ||
	       nr == SCMP_SYS(mprotect) || nr == SCMP_SYS(prctl);
}

static int
allow_calls(scmp_filter_ctx ctx)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i]);

		/* Some are of other architectures. */
		if (nr < 0 || is_limited(nr))
			continue;
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Requests of ours, families that attachments connect to, threads and theirs. */
static int
allow_arguments(scmp_filter_ctx ctx)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (error == 0)
			error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
			    SCMP_SYS(ioctl), 1,
			    ALL(1, UINT32_MAX, requests[i]));
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (error == 0)
			error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
			    SCMP_SYS(socket), 1,
			    ALL(0, UINT32_MAX, (unsigned)families[i]));
	if (error == 0)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone),
		    1, ALL(0, CLONE_THREAD, CLONE_THREAD));
	if (error == 0)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl),
		    1, ALL(0, UINT32_MAX, PR_SET_TIMERSLACK));
	return error;
}

/* Nothing becomes a program that was written as data: a page is never both. */
static int
allow_memory(scmp_filter_ctx ctx)
{
	int error;

	error = seccomp_rule_add(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, ALL(2, PROT_EXEC, 0));
	if (error == 0)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    ALL(2, PROT_EXEC | PROT_WRITE, PROT_EXEC));
	if (error == 0)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
		    SCMP_SYS(mprotect), 1, ALL(2, PROT_EXEC, 0));
	return error;
}

static int
kill_deadly(scmp_filter_ctx ctx)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		int nr = seccomp_syscall_resolve_name(deadly[i]);

		if (error == 0 && nr >= 0)
			error = seccomp_rule_add(
			    ctx, SCMP_ACT_KILL_PROCESS, nr, 0);
	}
	return error;
}

int
confine_calls(void)
{
	scmp_filter_ctx ctx;
	int error;

	/* What a sanitizer does by itself is in no source of ours. */
	if (CONFINE_SANITIZED)
		return 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (ctx == NULL)
		return -ENOMEM;
	/* A tree: what is called most is found as soon as what is not. */
	error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error == 0)
		error = allow_calls(ctx);
	if (error == 0)
		error = allow_arguments(ctx);
	if (error == 0)
		error = allow_memory(ctx);
	if (error == 0)
		error = kill_deadly(ctx);
	if (error == 0)
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	return error;
}
