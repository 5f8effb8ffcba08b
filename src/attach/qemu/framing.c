/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/qemu/framing.h"

#include <endian.h>
#include <string.h>

#include "base/assert.h"

void
ep_framing_init(struct ep_framing *f, uint8_t *buf)
{
	f->buf = buf;
	f->start = f->end = 0;
}

size_t
ep_framing_room(struct ep_framing *f, uint8_t **at)
{
	size_t left = f->end - f->start;

	/*
	 * Moved when nothing is left, which costs nothing, or when the second
	 * half was reached: then less than half the buffer is moved for at
	 * least half of it that was read.
	 */
	if (left == 0 || f->start >= EP_FRAMING_SIZE / 2) {
		memmove(f->buf, f->buf + f->start, left);
		f->start = 0;
		f->end = left;
	}
	*at = f->buf + f->end;
	return EP_FRAMING_SIZE - f->end;
}

void
ep_framing_filled(struct ep_framing *f, size_t n)
{
	EP_ASSERT(n <= EP_FRAMING_SIZE - f->end); /* F1 */
	f->end += n;
}

enum ep_framed
ep_framing_next(struct ep_framing *f, const uint8_t **frame, uint32_t *len)
{
	size_t left = f->end - f->start;
	uint32_t head;

	if (left < EP_FRAMING_HEAD)
		return EP_FRAMED_MORE;
	memcpy(&head, f->buf + f->start, sizeof(head));
	*len = be32toh(head);
	/* Before waiting for what it announces. */
	if (*len > EP_FRAMING_MAX)
		return EP_FRAMED_LONG;
	if (left - EP_FRAMING_HEAD < *len)
		return EP_FRAMED_MORE;
	*frame = f->buf + f->start + EP_FRAMING_HEAD;
	f->start += EP_FRAMING_HEAD + *len;
	return *len < EP_FRAMING_MIN ? EP_FRAMED_SHORT : EP_FRAMED_ONE;
}

uint32_t
ep_framing_head(uint32_t len)
{
	return htobe32(len);
}
