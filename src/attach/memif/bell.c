/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/bell.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How many may be done and not yet forgotten: the kernel makes it more. */
#define EVENTS 64

void
ep_memif_bell_init(struct ep_memif_bell *bell)
{
	bell->ctx = 0;
	bell->empty = memfd_create("epair-memif-bell", MFD_CLOEXEC);
	if (bell->empty >= 0 && syscall(SYS_io_setup, EVENTS, &bell->ctx) != 0)
		bell->ctx = 0;
}

void
ep_memif_bell_fini(struct ep_memif_bell *bell)
{
	if (bell->ctx != 0)
		(void)syscall(SYS_io_destroy, bell->ctx);
	if (bell->empty >= 0)
		(void)close(bell->empty);
}

static int
submit(const struct ep_memif_bell *bell, int fd)
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
ep_memif_bell_ring(struct ep_memif_bell *bell, int fd)
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
