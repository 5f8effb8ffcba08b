/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/pcap/input.h - a capture file as packets, one after another, as often
 * as it is to be played.
 *
 * Reads a regular file through a buffer of EP_READER_BLOCK_MAX octets. A
 * packet is shown until it is taken; its octets lie in that buffer.
 */
#ifndef EP_ATTACH_PCAP_INPUT_H
#define EP_ATTACH_PCAP_INPUT_H

#include "attach/pcap/reader.h"

struct ep_input {
	int fd;
	char *path;
	uint64_t passes; /* still to be made, with this one; 0: for ever */
	enum ep_reader_dir only; /* packets of one direction; NONE: all */
	struct ep_reader reader;
	uint8_t *buf;
	size_t at, len; /* octets at buf + at, up to len, were not used yet */
	bool is_eof; /* there are none behind them */
	bool has_packet;
	struct ep_reader_packet packet;
	uint64_t in_pass; /* packets of this pass */
	uint64_t rewinds; /* how often it began again */
};

/*
 * Open a file - or take a duplicate of one that is lent, unless that is -1 - and
 * look at how it begins. `loop` is how often it is to be
 * played, 0 for ever. Gives *in, to be ended by ep_input_close().
 * Returns 0; -EINVAL with a sentence for a file that is no capture; -ENOENT
 * and others of the system; -ENOMEM.
 */
int ep_input_open(struct ep_input *in, const char *path, int lent,
    uint64_t loop, enum ep_reader_dir only, struct epair_err *err);
void ep_input_close(struct ep_input *in);

/*
 * The next packet; the same until ep_input_take(). Borrowed.
 * Returns 1 with it; 0 at the end; -EAGAIN when it has read enough for one
 * turn; -EINVAL for a malformed or torn file, or -errno of reading, with a
 * sentence.
 */
int ep_input_peek(struct ep_input *in, const struct ep_reader_packet **packet,
    struct epair_err *err);

/* Done with the packet. */
void ep_input_take(struct ep_input *in);

#endif /* EP_ATTACH_PCAP_INPUT_H */
