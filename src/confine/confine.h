/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine/confine.h - what the process that moves frames may still do.
 *
 * It reads what strangers send, so whoever takes it over is to find nothing in
 * it: no capability, no way to gain one, no program that it could start, no
 * file that is not its own. What takes rights is done by the opener, which
 * was started before and is not confined with us.
 *
 *	caps.c      every capability given up, and no gaining any by exec
 *	calls.c     seccomp: the system calls that the sources make, no other
 *	files.c     landlock: files beneath the folders that are named, no other
 *
 * The list of system calls is made of the sources. calls.txt says which system
 * calls a C function makes, and tools/syscalls.py makes the filter of it; a
 * test compares calls.txt with what the libraries and programs import, both
 * ways, so that a function that is new in the sources and not in calls.txt
 * fails, and so does a line that nothing needs any more.
 *
 * What the filter answers:
 *
 *	call                            answer
 *	one that the sources make       goes on
 *	what an intruder wants (exec,   the process is killed, SIGSYS
 *	  setns, ptrace, mount, ...)
 *	any other, and ioctl, socket,   ENOSYS, as a kernel that has it not: a C
 *	  clone and mmap with other     library newer than we falls back
 *	  arguments than the sources'
 *
 * An io_uring is no way around: those of ours are restricted to reading and
 * writing one file (attach/tap/uring.c); one that an intruder made could do
 * nothing that needs a capability, nor start a program, and landlock holds for
 * it.
 *
 * In a build with sanitizers (CONFINE_SANITIZED), whose calls are in no source
 * of ours, there is no filter.
 *
 * Threads: all of it belongs to a thread and to those that it makes, and
 * lasts. The opener has to be started, with what we were given, by an instance
 * whose workers run already; so the instance is made on a thread that is
 * confined (confine_call), the opener is started by the main thread, and then
 * that confines itself too (confine_self).
 */
#ifndef EP_CONFINE_CONFINE_H
#define EP_CONFINE_CONFINE_H

#include <stdbool.h>

#define CONFINE_FOLDERS_MAX 8

struct confine {
	/*
	 * Confine files, too: what lies beneath these folders can be read,
	 * written, made and removed; beside it only what libraries need can be
	 * read. Where the kernel has no landlock, or less of it than we know,
	 * it is done as far as it can be. NULLs are passed over.
	 */
	bool files;
	const char *folders[CONFINE_FOLDERS_MAX];
};

/*
 * Confine the calling thread for good. Returns 0, or -errno: then the thread
 * has less than it had, but not as little as it should, and must not go on.
 */
int confine_self(const struct confine *how);

/*
 * Give up capabilities alone, and gaining any, where files and folders are
 * still to be found that later are not. Returns 0 or -errno.
 */
int confine_rights(void);

/*
 * Call fn(arg) on a thread that has done confine_self(), and wait for it; the
 * threads that fn makes are confined as well. Returns 0, or -errno: fn was then
 * not called.
 */
int confine_call(const struct confine *how, void (*fn)(void *arg), void *arg);

#endif /* EP_CONFINE_CONFINE_H */
