/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream of anything gives the same frames wherever it is cut (F3), each of
 * them as it stands in the stream, and there is always room to go on (F2).
 *
 *	1 octet		how it is cut: the pieces' lengths follow from it
 *	the rest	the stream
 */
#include <stdlib.h>
#include <string.h>

#include "attach/qemu/framing.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

/* The same, by the book: where the next frame of the whole stream ends. */
static enum ep_framed
model(const uint8_t *in, size_t n, size_t *at, uint32_t *len)
{
	size_t left = n - *at;

	if (left < 4)
		return EP_FRAMED_MORE;
	in += *at;
	*len = (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 |
	       (uint32_t)in[2] << 8 | in[3];
	if (*len > 69632)
		return EP_FRAMED_LONG;
	if (left - 4 < *len)
		return EP_FRAMED_MORE;
	*at += 4 + *len;
	return *len < 14 ? EP_FRAMED_SHORT : EP_FRAMED_ONE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct ep_framing f;
	uint8_t *buf, *to;
	const uint8_t *frame;
	enum ep_framed got = EP_FRAMED_MORE;
	size_t fed = 0, at = 0, step, room;
	uint32_t len, model_len, cut;

	if (n == 0 || (buf = malloc(EP_FRAMING_SIZE)) == NULL)
		return 0;
	cut = *in++;
	n--;
	ep_framing_init(&f, buf);
	while (fed < n && got != EP_FRAMED_LONG) {
		room = ep_framing_room(&f, &to);
		EP_ASSERT(room > 0);
		EP_ASSERT(to + room <= buf + EP_FRAMING_SIZE);
		cut = cut * 1664525u + 1013904223u;
		step = 1 + (cut >> 8) % ((cut >> 28) < 8 ? 16 : 100000);
		step = step < n - fed ? step : n - fed;
		step = step < room ? step : room;
		memcpy(to, in + fed, step);
		ep_framing_filled(&f, step);
		fed += step;
		do {
			size_t was = at;

			got = ep_framing_next(&f, &frame, &len);
			EP_ASSERT(got == model(in, fed, &at, &model_len));
			if (got == EP_FRAMED_ONE || got == EP_FRAMED_SHORT) {
				EP_ASSERT(len == model_len);
				EP_ASSERT(
				    memcmp(frame, in + was + 4, len) == 0);
			}
		} while (got == EP_FRAMED_ONE || got == EP_FRAMED_SHORT);
	}
	free(buf);
	return 0;
}
