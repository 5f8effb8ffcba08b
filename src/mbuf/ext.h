/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/ext.h - a buffer that is somebody else's.
 *
 * Counted: each mbuf around it is one reference. `release` runs once, on the
 * thread that gave the last one back.
 */
#ifndef EP_MBUF_EXT_H
#define EP_MBUF_EXT_H

#include <stdint.h>

struct ep_ext {
	uint32_t refs; /* atomic */
	uint32_t len;
	uint8_t *buf;
	void (*release)(void *arg);
	void *arg;
};

void ep_ext_put(struct ep_ext *ext);

#endif /* EP_MBUF_EXT_H */
