/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/pcap/output.h - frames into a pcapng file.
 *
 * The file is complete up to its last octet whenever nobody is writing: a burst
 * that does not fit on the disk is taken back as a whole.
 *
 * Locking: `lock` guards all but the constants; several queues are written by
 * several workers.
 */
#ifndef EP_ATTACH_PCAP_OUTPUT_H
#define EP_ATTACH_PCAP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#include "base/lock.h"

struct epair_if;
struct epair_mbuf;

struct ep_output {
	struct ep_mutex lock;
	int fd; /* constant */
	char *path; /* constant */
	uint64_t start_ns; /* constant */
	uint64_t offset EP_GUARDED; /* of the file's end */
	uint8_t *stage EP_GUARDED; /* blocks to be written ... */
	size_t stage_len EP_GUARDED; /* ... this many octets of them */
	uint8_t *flat EP_GUARDED; /* a frame in one piece, where it was not */
	size_t flat_size EP_GUARDED;
	uint64_t seen EP_GUARDED; /* frames to be written */
	uint64_t written EP_GUARDED; /* frames in the file */
};

/*
 * Make the file, or empty it, and begin it; the interface is that of ifp. With a
 * descriptor that is lent, not -1, go on behind the end of that file instead. It
 * must not be the file open at in_fd, unless that is -1. A new one can be read
 * by its owner alone: frames are other people's data.
 * Returns 0, or a negated errno with a sentence.
 */
int ep_output_open(struct ep_output *out, const char *path, int lent, int in_fd,
    struct epair_if *ifp, struct epair_err *err);

/* Write the statistics, and end it. */
void ep_output_close(struct ep_output *out, uint64_t now_ns);

/*
 * Write n frames that were received in a queue. Borrows them.
 * Returns 0 if all are in the file; else the negated errno, and *done says how
 * many of them, the first ones, are.
 */
int ep_output_put(struct ep_output *out, struct epair_mbuf *const *ms,
    unsigned n, unsigned queue, uint64_t now_ns, unsigned *done);

#endif /* EP_ATTACH_PCAP_OUTPUT_H */
