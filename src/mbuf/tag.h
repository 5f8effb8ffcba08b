/* SPDX-License-Identifier: BSD-2-Clause */
/* mbuf/tag.h - metadata tags; see epair_mbuf_tag_add(). */
#ifndef EP_MBUF_TAG_H
#define EP_MBUF_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "mbuf/mbuf.h"

struct ep_tag {
	struct ep_tag *next;
	uint32_t cookie;
	uint16_t type;
	uint16_t len;
	bool persistent;
	_Alignas(8) uint8_t data[];
};

/* Free all tags of the frame. */
void ep_tags_free(struct epair_mbuf *m);

#endif /* EP_MBUF_TAG_H */
