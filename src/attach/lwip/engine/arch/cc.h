/* SPDX-License-Identifier: BSD-2-Clause */
/* arch/cc.h - what lwIP asks of a compiler and a platform (its own name). */
#ifndef EP_LWIP_ARCH_CC_H
#define EP_LWIP_ARCH_CC_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>

/* engine.c. An assertion ends the stack and not the process. */
_Noreturn void engine_assert(const char *what);
uint32_t engine_random(void);

#define LWIP_PLATFORM_DIAG(x) \
	do { \
	} while (0)
#define LWIP_PLATFORM_ASSERT(x) engine_assert(x)
#define LWIP_RAND()             engine_random()

#endif /* EP_LWIP_ARCH_CC_H */
