/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool ep_barrier_works;

static long
membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/* Before there are threads: then it costs next to nothing. */
__attribute__((constructor)) static void
ask(void)
{
	ep_barrier_works = membarrier(
			       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void
ep_barrier_heavy(void)
{
	/* Longer than a tick: whoever runs has entered the kernel meanwhile. */
	static const struct timespec a_while = { .tv_nsec = 20000000L };

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!ep_barrier_works)
		return; /* what ck_epoch_synchronize() begins with does */
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0)
		return;
	/* The program has forbidden it to itself since: no store waits so long. */
	(void)nanosleep(&a_while, NULL);
}
