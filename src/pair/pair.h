/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair/pair.h - the driver: two interfaces and the cable between them.
 */
#ifndef EP_PAIR_PAIR_H
#define EP_PAIR_PAIR_H

#include "net/ifnet.h"
#include "net/vnet.h"

/* Transmit: contract 3 and 4. Takes the frames; see epair_if_transmit(). */
int ep_pair_transmit(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n);

int ep_pair_create(struct epair *ep, const char *vnet, const char *name,
    const struct epair_create *how, struct epair_if **a, struct epair_err *err);
/* Make one again, see epair_if_restore(). */
int ep_pair_restore(struct epair *ep, const struct epair_if_info *const ends[2],
    struct epair_if **a, struct epair_err *err);
int ep_pair_destroy(struct epair_if *ifp, struct epair_err *err);
int ep_pair_move(struct epair_if *ifp, const char *vnet, struct epair_err *err);

/*
 * End a vnet: contract 8.3. came_home is called for each interface that was
 * sent to its home, with no lock held.
 */
int ep_pair_end_vnet(struct epair *ep, const char *vnet,
    void (*came_home)(struct epair_if *ifp), struct epair_err *err);

/* May an interface be given this address? NULL may. */
int ep_pair_mac_check(const struct epair *ep, const uint8_t *mac,
    struct epair_err *err) EP_REQUIRES(ep->lock);

/* Set or take away (NULL) the discipline; see epair_if_set_qdisc(). */
int ep_pair_set_qdisc(
    struct epair_if *ifp, const char *text, struct epair_err *err);

struct ep_fds;
struct ep_fds_out;

/* See epair_if_set_link_fds() and epair_if_get_link(). with may be NULL. */
int ep_pair_set_link(struct epair_if *ifp, const char *words,
    const struct ep_fds *with, struct epair_err *err);
int ep_pair_get_link(struct epair_if *ifp, char *buf, size_t size);
void ep_pair_get_link_fds(struct epair_if *ifp, struct ep_fds_out *out);

/* References of programs. */
void ep_pair_ref(struct ep_pair *pair);
void ep_pair_put(struct ep_pair *pair);

/*
 * May one who can leave its frames where they are send some? If not, it is told
 * EPAIR_CHANGED_WRITABLE when it may (full.c). Any thread, while the pair cannot
 * be torn down.
 */
bool ep_pair_may_send(struct epair_if *ifp);

/*
 * There is room where ifp's frames go: tell a sender that is held back for it.
 * Where a run may begin (full.c).
 */
void ep_pair_made_room(struct epair_if *ifp);

/* EPAIR_FULL_WAIT or not. Returns 0, or -ENXIO. */
int ep_pair_set_full(struct epair_if *ifp, bool waits);

#endif /* EP_PAIR_PAIR_H */
