/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/flat.h - a frame as it would be on a wire, in one piece.
 *
 * What offload left open is done on the copy: an out-of-band VLAN tag goes
 * back behind the addresses, an open checksum is completed, and a frame to be
 * segmented becomes one big packet with lengths to match. The frame itself is
 * not changed.
 */
#ifndef EP_MBUF_FLAT_H
#define EP_MBUF_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/mbuf.h>

#define EP_FLAT_VLAN_LEN 4u

/* Has the frame a tag that is to be put back? Not if it is too short. */
static inline bool
ep_flat_has_tag(const struct epair_mbuf *m)
{
	return (m->flags & EPAIR_M_VLANTAG) != 0 && m->pktlen >= 12;
}

/* Length of the frame in one piece. */
static inline uint32_t
ep_flat_len(const struct epair_mbuf *m)
{
	return m->pktlen + (ep_flat_has_tag(m) ? EP_FLAT_VLAN_LEN : 0);
}

/*
 * The frame's octets where they are, if they are in one piece as they should
 * be but for open checksums; else NULL.
 */
static inline const uint8_t *
ep_flat_in_place(const struct epair_mbuf *m)
{
	return m->next == NULL && !ep_flat_has_tag(m) ? m->data : NULL;
}

/* Copy the first caplen octets (at most ep_flat_len()), nothing completed. */
void ep_flat_copy(struct epair_mbuf *m, uint8_t *buf, uint32_t caplen);

/*
 * The same, with checksums and lengths completed. Borrows m, which must not be
 * changed meanwhile.
 */
void ep_flat_finish(struct epair_mbuf *m, uint8_t *buf, uint32_t caplen);

#endif /* EP_MBUF_FLAT_H */
