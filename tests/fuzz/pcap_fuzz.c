/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a capture file: the reader reads nothing that it was not
 * shown, and gives the same however the octets are cut into pieces. The first
 * octet of the input says how.
 */
#include <stdlib.h>
#include <string.h>

#include "attach/pcap/reader.h"
#include "base/assert.h"
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, told apart by a hash. */
struct outcome {
	unsigned packets;
	uint32_t hash;
	int end;
	uint64_t offset;
};

static void
note(struct outcome *o, const struct ep_reader_packet *packet)
{
	const uint32_t words[] = { o->hash, (uint32_t)packet->time_ns,
		(uint32_t)(packet->time_ns >> 32), packet->len, packet->dir,
		packet->is_ethernet, packet->is_drop,
		ep_hash_octets(packet->data, packet->caplen) };

	EP_ASSERT(packet->caplen <= packet->len);
	EP_ASSERT(packet->caplen <= EP_READER_BLOCK_MAX);
	o->hash = ep_hash_words(words, sizeof(words) / sizeof(words[0]), 0);
	o->packets++;
}

/* Read the file, `step` octets more at a time. */
static struct outcome
read_file(const uint8_t *data, size_t size, size_t step)
{
	static struct ep_reader r;
	struct ep_reader_packet packet;
	struct outcome o = { 0 };
	size_t at = 0, given = 0, used;
	uint8_t *tight = NULL;
	int got = 0;

	memset(&r, 0, sizeof(r));
	while (got >= 0 && given < size) {
		given += step < size - given ? step : size - given;
		do {
			/* Exactly what is shown, for the sanitizer. */
			free(tight);
			tight = malloc(given - at + 1);
			EP_ASSERT(tight != NULL);
			memcpy(tight, data + at, given - at);
			got = ep_reader_next(
			    &r, tight, given - at, &used, &packet, NULL);
			EP_ASSERT(used <= given - at);
			if (got == 1)
				note(&o, &packet);
			at += used;
		} while (got == 1);
	}
	free(tight);
	o.end = got < 0 ? got : ep_reader_end(&r, size - at, NULL);
	o.offset = r.offset;
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;
	size_t step;

	if (size == 0)
		return 0;
	step = data[0] + 1u;
	/* The same memory again and again is slow, and says nothing new. */
	if (size / step > 256)
		step = size / 256;
	whole = read_file(data + 1, size - 1, size);
	pieces = read_file(data + 1, size - 1, step);
	EP_ASSERT(whole.packets == pieces.packets);
	EP_ASSERT(whole.hash == pieces.hash);
	EP_ASSERT(whole.end == pieces.end);
	EP_ASSERT(whole.offset == pieces.offset);
	return 0;
}
