/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture of any packets, written and read again: nothing is lost on the
 * way, in however little room the blocks were tried first.
 *
 * Each packet is told by the octets behind one another: flags, interface,
 * octets of data, of comment, a time.
 */
#include <stdlib.h>
#include <string.h>

#include "attach/pcap/reader.h"
#include "base/assert.h"
#include "capture/pcapng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKETS_MAX 64u
#define FILE_MAX    (1u << 20)

static struct {
	uint8_t octets[FILE_MAX];
	size_t len;
	struct ep_pcapng_packet packets[PACKETS_MAX];
	char comments[PACKETS_MAX][256];
	uint8_t frames[PACKETS_MAX][256];
	unsigned count;
} file;

static void
put_header(void)
{
	const struct ep_pcapng_section section = { .os = "any" };
	const struct ep_pcapng_interface a = { .name = "a" }, b = { 0 };

	file.count = 0;
	file.len = ep_pcapng_section(file.octets, FILE_MAX, &section);
	file.len += ep_pcapng_interface(
	    file.octets + file.len, FILE_MAX - file.len, &a);
	file.len += ep_pcapng_interface(
	    file.octets + file.len, FILE_MAX - file.len, &b);
}

static uint8_t
take(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	(*size)--;
	return *(*data)++;
}

static void
put_packet(const uint8_t **data, size_t *size)
{
	struct ep_pcapng_packet *packet = &file.packets[file.count];
	char *comment = file.comments[file.count];
	uint8_t bits = take(data, size);
	uint8_t comment_len;
	size_t len;

	*packet = (struct ep_pcapng_packet){
		.interface = bits & 1,
		.flags = bits >> 1 & 3,
		.lost = bits >> 3 & 1,
		.has_id = (bits & 16) != 0,
		.has_queue = (bits & 32) != 0,
		.caplen = take(data, size),
		.data = file.frames[file.count],
		.comment = comment,
	};
	packet->len = packet->caplen + (bits >> 6);
	comment_len = take(data, size);
	for (unsigned i = 0; i < 8; i++)
		packet->time_ns = packet->time_ns << 8 | take(data, size);
	for (unsigned i = 0; i < packet->caplen; i++)
		file.frames[file.count][i] = take(data, size);
	for (unsigned i = 0; i < comment_len; i++)
		comment[i] = (char)take(data, size);
	comment[comment_len] = '\0';

	len = ep_pcapng_packet(file.octets + file.len, bits, packet);
	EP_ASSERT(len <= EP_PCAPNG_OVERHEAD + packet->caplen);
	EP_ASSERT(len == ep_pcapng_packet(file.octets + file.len,
			     FILE_MAX - file.len, packet));
	file.len += len;
	file.count++;
}

static void
check_packet(
    const struct ep_pcapng_packet *was, const struct ep_reader_packet *is)
{
	static const enum ep_reader_dir dirs[] = { EP_READER_DIR_NONE,
		EP_READER_IN, EP_READER_OUT, EP_READER_DIR_NONE };

	EP_ASSERT(is->caplen == was->caplen);
	EP_ASSERT(is->len == was->len);
	EP_ASSERT(is->time_ns == was->time_ns);
	EP_ASSERT(is->dir == dirs[was->flags]);
	EP_ASSERT(is->is_ethernet);
	EP_ASSERT(is->is_drop == (strncmp(was->comment, EP_PCAPNG_DROPPED,
				      strlen(EP_PCAPNG_DROPPED)) == 0));
	EP_ASSERT(memcmp(is->data, was->data, was->caplen) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ep_reader r;
	struct ep_reader_packet packet;
	size_t at = 0, used;

	put_header();
	while (size > 0 && file.count < PACKETS_MAX)
		put_packet(&data, &size);

	memset(&r, 0, sizeof(r));
	for (unsigned i = 0; i < file.count; i++) {
		EP_ASSERT(ep_reader_next(&r, file.octets + at, file.len - at,
			      &used, &packet, NULL) == 1);
		check_packet(&file.packets[i], &packet);
		at += used;
	}
	EP_ASSERT(ep_reader_next(&r, file.octets + at, file.len - at, &used,
		      &packet, NULL) == 0);
	EP_ASSERT(ep_reader_end(&r, file.len - at - used, NULL) == 0);
	return 0;
}
