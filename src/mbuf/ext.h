/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/ext.h - a buffer that is somebody else's.
 *
 * `release` runs once, on the thread that frees the mbuf around it. That mbuf
 * has a buffer of its pool's too, so that it counts against the pool's limit.
 */
#ifndef EP_MBUF_EXT_H
#define EP_MBUF_EXT_H

#include <stdint.h>

struct ep_ext {
	uint32_t len;
	uint8_t *buf;
	uint8_t *own; /* the mbuf's own buffer */
	void (*release)(void *arg);
	void *arg;
};

/* Release it. Gives the mbuf's own buffer. */
uint8_t *ep_ext_end(struct ep_ext *ext);

#endif /* EP_MBUF_EXT_H */
