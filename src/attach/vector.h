/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vector.h - frames as vectors of memory, with virtio's header in front,
 * for who reads and writes many at a time.
 *
 * Reading: room is made for a batch before it is known how long its frames are.
 * A frame begins in a small mbuf and what does not fit goes on in a large one,
 * which waits for the first that needs it: so a small frame never holds 68 KiB,
 * and nothing is copied twice. Its vector is the header, the small and the large.
 *
 * Of a long frame the kernel has the headers in one place and the payload in
 * pages, where it begins at the start of one; and it lays it out so again when
 * it is written. It copies whole lines to whole lines in less time: so what is
 * in the small one is the headers, as long as they were in the last long frame,
 * and whole lines of payload.
 *
 *	init		once for a wake
 *	room		vectors for up to `want` frames
 *	take		the i-th was read, so long; not all need to have been
 *	settle		before the next room
 *	fini
 *
 * Writing: vectors for frames that are there, until the pieces are used up.
 *
 * Both stand on the stack of one thread.
 */
#ifndef EP_ATTACH_VECTOR_H
#define EP_ATTACH_VECTOR_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "mbuf/mbuf.h"
#include "net/ifnet.h"

#define EP_READER_MAX    32u /* frames read at once */
#define EP_READER_PIECES 3u

#define EP_WRITER_MAX    64u /* frames written at once */
#define EP_WRITER_PIECES 192u /* pieces of them all */

struct ep_reader {
	struct epair_if *ifp;
	uint32_t hdr_len; /* of virtio's header; 0: there is none */
	uint32_t *headers; /* length of the last long frame's */
	uint32_t split; /* octets in the small one */
	struct epair_mbuf *small[EP_READER_MAX], *large[EP_READER_MAX];
	unsigned small_count, large_count;
	struct virtio_net_hdr_v1 hdrs[EP_READER_MAX];
	struct iovec iov[EP_READER_MAX][EP_READER_PIECES];
	uint8_t too_much[1];
};

/* *headers is kept by the caller from wake to wake, 0 to begin with. */
void ep_reader_init(struct ep_reader *r, struct epair_if *ifp, uint32_t hdr_len,
    uint32_t *headers);

/* Returns for how many frames there is room: 0 if there are no mbufs. */
unsigned ep_reader_room(struct ep_reader *r, unsigned want);

/*
 * Take the i-th, len octets with its header; *vlan is the tag that goes in
 * again behind its addresses, tpid and tci, or 0. Gives the frame, or counts
 * why there is none.
 */
bool ep_reader_take(struct ep_reader *r, unsigned i, uint32_t len,
    uint32_t vlan, struct epair_mbuf **mp);

/*
 * What is left to do with a frame that is in m: put its tag in again, and take
 * its metadata from the header, which is the caller's own copy, or NULL if there
 * is none. Returns false if it was dropped.
 */
bool ep_reader_finish(struct epair_if *ifp, struct epair_mbuf *m,
    struct virtio_net_hdr_v1 *hdr, uint32_t vlan);

void ep_reader_settle(struct ep_reader *r);
void ep_reader_fini(struct ep_reader *r);

struct ep_writer {
	struct virtio_net_hdr_v1 hdrs[EP_WRITER_MAX];
	struct iovec iov[EP_WRITER_PIECES];
	unsigned count; /* of hdrs that are used */
	unsigned pieces; /* of iov */
};

void ep_writer_init(struct ep_writer *w);

/*
 * The vector of one more frame; *n pieces. NULL if there is no room for it, and
 * for the first that is because it is in too many pieces: flatten it.
 */
struct iovec *ep_writer_put(struct ep_writer *w, uint32_t hdr_len,
    const struct epair_mbuf *m, unsigned *n);

/* Into one piece. Returns 0, -EMSGSIZE or -ENOMEM, and *mp is as it was. */
int ep_writer_flatten(struct ep_pool *pool, struct epair_mbuf **mp);

#endif /* EP_ATTACH_VECTOR_H */
