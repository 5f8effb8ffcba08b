/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/bell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/stray.h"

/* How many may be done and not yet forgotten: the kernel makes it more. */
#define EVENTS 64

void
ep_bell_init(struct ep_bell *bell)
{
	bell->ctx = 0;
	bell->empty = memfd_create("epair-bell", MFD_CLOEXEC);
	if (bell->empty >= 0 && syscall(SYS_io_setup, EVENTS, &bell->ctx) != 0)
		bell->ctx = 0;
}

void
ep_bell_fini(struct ep_bell *bell)
{
	if (bell->ctx != 0)
		(void)syscall(SYS_io_destroy, bell->ctx);
	if (bell->empty >= 0)
		(void)close(bell->empty);
}

static int
submit(const struct ep_bell *bell, int fd)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)bell->empty,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *cbs[1] = { &cb };

	return syscall(SYS_io_submit, bell->ctx, 1L, cbs) == 1 ? 0 : -errno;
}

int
ep_bell_ring(struct ep_bell *bell, int fd)
{
	struct io_event done[EVENTS];
	struct timespec now = { 0 };
	uint64_t one = 1;
	int error;

	if (bell->ctx == 0) {
		if (write(fd, &one, sizeof(one)) >= 0 || errno == EAGAIN)
			return 0;
		return -EINVAL;
	}
	error = submit(bell, fd);
	if (error != -EAGAIN)
		return error;
	/* All slots hold what is long done: forget that, and try again. */
	(void)syscall(
	    SYS_io_getevents, bell->ctx, 0L, (long)EVENTS, done, &now);
	return submit(bell, fd);
}

bool
ep_bell_check(struct ep_bell *bell, int fd)
{
	int flags;

	/* What has a type is none, also where ringing cannot tell. */
	if (!ep_stray_has_no_type(fd))
		return false;
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	       ep_bell_ring(bell, fd) == 0;
}

/*
 * The peer has the same eventfd and may read it, and clear O_NONBLOCK, between
 * epoll's word and ours: so each read says by itself that it will not wait.
 */
int
ep_bell_clear(int fd)
{
	uint64_t count;
	struct iovec iov = { &count, sizeof(count) };

	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) >= 0 || errno == EAGAIN ||
	    errno == EINTR)
		return 0;
	return -errno;
}
