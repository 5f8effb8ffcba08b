/* SPDX-License-Identifier: BSD-2-Clause */
/* base/clock.h - the machine's clocks, in nanoseconds. */
#ifndef EP_BASE_CLOCK_H
#define EP_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define EP_NS_PER_S  UINT64_C(1000000000)
#define EP_NS_PER_MS UINT64_C(1000000)
#define EP_NS_PER_US UINT64_C(1000)

static inline uint64_t
ep_clock_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * EP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

#endif /* EP_BASE_CLOCK_H */
