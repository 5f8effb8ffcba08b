/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/impair.h"

#include <stdlib.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/container.h"
#include "impair/impair_priv.h"
#include "mbuf/ecn.h"

#define BURST 64u

static void timer_fired(struct ep_timer *timer);

/*
 * Life.
 */

struct ep_impair *
ep_impair_create(struct epair_if *ifp, uint64_t seed,
    void (*arrive)(struct epair_if *, struct epair_mbuf **, unsigned),
    void (*ready)(struct ep_impair *imp),
    void (*made_room)(struct epair_if *ifp))
{
	struct ep_impair *imp = calloc(1, sizeof(*imp));

	if (imp == NULL)
		return NULL;
	imp->ifp = ifp;
	imp->arrive = arrive;
	imp->ready = ready;
	imp->made_room = made_room;
	imp->seed = seed;
	imp->armed_ns = UINT64_MAX;
	ep_mutex_init(&imp->lock);
	ep_dice_init(&imp->dice, seed);
	ep_timer_init(&imp->timer, ep_ifnet_worker(ifp->oifp, 0), timer_fired);
	return imp;
}

void
ep_impair_destroy(struct ep_impair *imp)
{
	EP_ASSERT(imp->line.count == 0);
	ep_held_fini(&imp->held);
	ep_link_parts_fini(&imp->parts);
	ep_mutex_fini(&imp->lock);
	free(imp);
}

/*
 * Under way.
 */

static void
lose(struct ep_impair *imp, struct epair_mbuf *m, enum epair_drop why)
{
	(void)ep_add_relaxed(&imp->ifp->linked.dropped, 1);
	(void)ep_drop(imp->ifp, &m, 1, why, 0);
}

static bool
keeps_order(const struct ep_link_conf *conf)
{
	return conf->jitter_ns == 0 || conf->ordered != 0;
}

/*
 * When a frame arrives that could at when_ns: in a slot that is not over yet
 * and has room, else in the next.
 */
static uint64_t
in_slot(struct ep_impair *imp, const struct epair_mbuf *m, uint64_t when_ns)
{
	const struct ep_link_conf *conf = &imp->conf;
	struct ep_slot *slot = &imp->slot;

	if (conf->slot[0] == 0 && conf->slot[1] == 0)
		return when_ns;
	if (slot->at_ns < when_ns || slot->packets == 0 || slot->bytes <= 0) {
		if (slot->at_ns < when_ns)
			slot->at_ns = when_ns;
		slot->at_ns += ep_dice_slot(&imp->dice, conf,
		    ep_link_samples(&imp->parts, EP_FILE_SLOTS));
		slot->packets = conf->slot_packets != 0 ? conf->slot_packets
							: UINT64_MAX;
		slot->bytes = conf->slot_bytes != 0 ? (int64_t)conf->slot_bytes
						    : INT64_MAX;
	}
	slot->packets--;
	slot->bytes -= m->pktlen;
	return slot->at_ns;
}

static void
hold(struct ep_impair *imp, struct epair_mbuf *m, uint64_t sent_ns)
{
	const struct ep_link_conf *conf = &imp->conf;
	bool is_ahead = ep_dice_ahead(&imp->dice, conf);
	uint64_t when = sent_ns;

	if (is_ahead)
		(void)ep_add_relaxed(&imp->ifp->linked.reordered, 1);
	else
		when += ep_dice_delay(&imp->dice, conf,
		    ep_link_samples(&imp->parts, EP_FILE_TABLE));
	if (!is_ahead && when < imp->last_ns && keeps_order(conf))
		when = imp->last_ns;
	when = in_slot(imp, m, when);
	if (!is_ahead && when > imp->last_ns)
		imp->last_ns = when;
	if (!ep_held_put(&imp->held, m, when))
		lose(imp, m, EPAIR_DROP_NO_MEMORY);
}

static bool
is_lost(struct ep_impair *imp, struct epair_mbuf *m)
{
	if (imp->parts.filter != NULL && !ep_filter_frame(imp->parts.filter, m))
		return false;
	if (!ep_dice_lost(&imp->dice, &imp->conf))
		return false;
	if (imp->conf.ecn == 0 || !ep_ecn_mark(m))
		return true;
	(void)ep_add_relaxed(&imp->ifp->linked.marked, 1);
	return false;
}

/* On the link: what happens to it by chance, then it is under way. */
static void
send_off(struct ep_impair *imp, struct epair_mbuf *m, uint64_t sent_ns)
    EP_REQUIRES(imp->lock)
{
	const struct ep_link_conf *conf = &imp->conf;
	struct epair_mbuf *twin = NULL;

	imp->taken.packets++;
	imp->taken.bytes += m->pktlen;
	imp->taken.mcasts += (m->flags & (EPAIR_M_BCAST | EPAIR_M_MCAST)) != 0;
	if (conf->cut != 0) {
		lose(imp, m, EPAIR_DROP_IMPAIR_CUT);
		return;
	}
	if (is_lost(imp, m)) {
		lose(imp, m, EPAIR_DROP_IMPAIR_LOSS);
		return;
	}
	if (!ep_impair_damage(imp, &m)) {
		lose(imp, m, EPAIR_DROP_NO_MEMORY);
		return;
	}
	if (ep_die_throw(
		&imp->dice.duplicate, conf->duplicate, conf->duplicate_corr))
		twin = ep_impair_twin(imp, m);
	hold(imp, m, sent_ns);
	if (twin != NULL)
		hold(imp, twin, sent_ns);
}

/*
 * In line.
 */

/* What waits, or is under way where nothing waits; and how much may. */
struct fill {
	uint64_t count, bytes;
	uint64_t limit, limit_bytes; /* 0: none */
};

static struct fill
fill_of(const struct ep_impair *imp)
{
	const struct ep_link_conf *conf = &imp->conf;
	struct fill f = { imp->line.count, imp->line.bytes, conf->limit,
		conf->limit_bytes };

	if (!ep_link_has_turns(conf)) {
		f.count = ep_held_count(&imp->held);
		f.bytes = ep_held_bytes(&imp->held);
	} else if (f.limit == 0) {
		f.limit = EP_LINE_LIMIT;
	}
	return f;
}

bool
ep_impair_has_room(const struct ep_impair *imp)
{
	struct fill f = fill_of(imp);

	return (f.limit == 0 || f.count < f.limit) &&
	       (f.limit_bytes == 0 || f.bytes < f.limit_bytes);
}

static bool
is_full(const struct ep_impair *imp, const struct epair_mbuf *m)
    EP_REQUIRES(imp->lock)
{
	struct fill f = fill_of(imp);

	if (ep_load_relaxed(&imp->ifp->full_waits))
		return !ep_impair_has_room(imp) &&
		       f.count >= f.limit + EP_FULL_SLACK;
	return (f.limit != 0 && f.count >= f.limit) ||
	       (f.limit_bytes != 0 && f.bytes + m->pktlen > f.limit_bytes);
}

/* Drop the one that has waited longest, or would be the next to arrive. */
static bool
drop_oldest(struct ep_impair *imp) EP_REQUIRES(imp->lock)
{
	bool has_turns = ep_link_has_turns(&imp->conf);
	struct epair_mbuf *m = has_turns ? ep_line_take(&imp->line)
					 : ep_held_take(&imp->held, UINT64_MAX);

	if (m != NULL && has_turns)
		(void)ep_drop(imp->ifp, &m, 1, EPAIR_DROP_IMPAIR_LIMIT, 0);
	else if (m != NULL) /* it was counted as sent */
		lose(imp, m, EPAIR_DROP_IMPAIR_LIMIT);
	return m != NULL;
}

/* Find room, or not. Returns whether there is. */
static bool
find_room(struct ep_impair *imp, struct epair_mbuf *m) EP_REQUIRES(imp->lock)
{
	while (is_full(imp, m)) {
		if (imp->conf.drop_head != 0 && drop_oldest(imp))
			continue;
		/* Or it alone is too much. */
		(void)ep_drop(imp->ifp, &m, 1, EPAIR_DROP_IMPAIR_LIMIT, 0);
		return false;
	}
	return true;
}

static void
stand_in_line(struct ep_impair *imp, struct epair_mbuf *m, uint64_t came_ns)
    EP_REQUIRES(imp->lock)
{
	m->held_ns = came_ns;
	ep_line_put(&imp->line, m);
}

/* When the first in line may go. */
static uint64_t
turn_of_first(struct ep_impair *imp)
{
	return ep_turn_free(&imp->turn, &imp->conf, imp->line.first->held_ns);
}

/* Those whose turn has come leave the line. */
static void
move_up(struct ep_impair *imp, uint64_t now_ns) EP_REQUIRES(imp->lock)
{
	const struct ep_link_conf *conf = &imp->conf;
	struct epair_mbuf *m;

	while ((m = imp->line.first) != NULL && turn_of_first(imp) <= now_ns) {
		uint64_t came = m->held_ns;

		(void)ep_line_take(&imp->line);
		/* No turns any more: it goes now, not when it came. */
		if (!ep_link_has_turns(conf))
			came = now_ns;
		send_off(imp, m,
		    ep_turn_take(
			&imp->turn, conf, ep_impair_wire_bytes(m, conf), came));
	}
}

/* What the link took up is the sender's now (contract 4.3): once a burst. */
static void
settle(struct ep_impair *imp) EP_REQUIRES(imp->lock)
{
	struct ep_linked *linked = &imp->ifp->linked;

	if (imp->taken.packets == 0)
		return;
	(void)ep_add_relaxed(&linked->packets, imp->taken.packets);
	(void)ep_add_relaxed(&linked->bytes, imp->taken.bytes);
	if (imp->taken.mcasts != 0)
		(void)ep_add_relaxed(&linked->mcasts, imp->taken.mcasts);
	imp->taken = (struct ep_impair_taken){ .packets = 0 };
}

/*
 * What has its time goes, and the timer is armed for what has not.
 */

static void
let_go(struct ep_impair *imp, uint64_t now_ns) EP_REQUIRES(imp->lock)
{
	struct epair_mbuf *ms[BURST];
	unsigned n;

	do {
		for (n = 0; n < BURST; n++) {
			ms[n] = ep_held_take(&imp->held, now_ns);
			if (ms[n] == NULL)
				break;
		}
		if (n > 0)
			imp->arrive(imp->ifp, ms, n);
	} while (n == BURST);
}

static void
arm(struct ep_impair *imp) EP_REQUIRES(imp->lock)
{
	uint64_t next = ep_held_next(&imp->held), turn = UINT64_MAX;

	if (imp->line.count > 0)
		turn = turn_of_first(imp);
	else if (imp->waits)
		turn = ep_turn_free(&imp->turn, &imp->conf, 0);
	if (turn < next)
		next = turn;
	if (next >= imp->armed_ns)
		return;
	imp->armed_ns = next;
	if (ep_timer_arm(&imp->timer, next) == 0)
		return;
	/* Nobody would ever come for them. */
	imp->armed_ns = UINT64_MAX;
	ep_impair_drop(imp, imp->ifp, EPAIR_DROP_NO_MEMORY);
}

static void
run(struct ep_impair *imp, uint64_t now_ns) EP_REQUIRES(imp->lock)
{
	move_up(imp, now_ns);
	settle(imp);
	let_go(imp, now_ns);
	arm(imp);
	if (ep_load_relaxed(&imp->ifp->held) && ep_impair_has_room(imp))
		imp->made_room(imp->ifp);
}

static void
timer_fired(struct ep_timer *timer)
{
	struct ep_impair *imp = EP_CONTAINER_OF(timer, struct ep_impair, timer);
	bool waited;

	ep_lock(&imp->lock);
	imp->armed_ns = UINT64_MAX;
	waited = imp->waits;
	imp->waits = false;
	imp->woken = waited;
	run(imp, ep_sched_mono(imp->ifp->ep->sched));
	ep_unlock(&imp->lock);
	if (!waited)
		return;
	imp->ready(imp);
	ep_lock(&imp->lock);
	imp->woken = false;
	ep_unlock(&imp->lock);
}

/* Where nobody waits for a turn. */
static void
go_on_link(struct ep_impair *imp, struct epair_mbuf *m, uint64_t now_ns)
    EP_REQUIRES(imp->lock)
{
	if (find_room(imp, m))
		send_off(imp, m, now_ns);
}

void
ep_impair_put(struct ep_impair *imp, struct epair_mbuf **ms, unsigned n,
    uint64_t came_ns, bool has_waited, uint64_t now_ns)
{
	bool has_turns = ep_link_has_turns(&imp->conf);

	/* What stood in line for a turn has gone when there were none any more. */
	EP_DEBUG(has_turns || imp->line.count == 0);
	for (unsigned i = 0; i < n; i++) {
		if (!has_turns) {
			go_on_link(imp, ms[i], now_ns);
			continue;
		}
		if (has_waited || find_room(imp, ms[i]))
			stand_in_line(imp, ms[i], came_ns);
		move_up(imp, now_ns);
	}
	settle(imp);
	let_go(imp, now_ns);
	arm(imp);
}

bool
ep_impair_is_free(struct ep_impair *imp, uint64_t now_ns)
{
	/* While nobody waits, a trace's opportunities are lost. */
	uint64_t since = imp->waits || imp->woken ? 0 : now_ns;

	return imp->line.count == 0 &&
	       ep_turn_free(&imp->turn, &imp->conf, since) <= now_ns;
}

void
ep_impair_wait(struct ep_impair *imp)
{
	imp->waits = true;
	arm(imp);
}

/*
 * Changing.
 */

static unsigned
cuts_of(const struct ep_link_conf *c)
{
	if (c->corrupt != 0 || c->ber != 0)
		return EP_CUTS_ALL;
	if (c->per_superframe != 0)
		return EP_CUTS_NOTHING;
	return ep_link_has_turns(c) || c->slot[0] != 0 || c->slot[1] != 0 ||
		       c->loss[0] != 0 || c->loss[3] != 0 || c->loss[4] != 0 ||
		       c->duplicate != 0 || c->reorder != 0 || c->jitter_ns != 0
		   ? EP_CUTS_SEGMENTS
		   : EP_CUTS_NOTHING;
}

void
ep_impair_set(struct ep_impair *imp, const struct ep_link_conf *conf,
    unsigned named, struct ep_link_parts *parts, uint64_t now_ns)
{
	const struct ep_link_conf old = imp->conf;
	bool begins_anew = conf->seed != old.seed || named & EP_LINK_SEED;

	imp->conf = *conf;
	ep_link_replace(&imp->parts, parts, conf);
	ep_turn_set(&imp->turn, conf, &old, ep_link_trace(&imp->parts), now_ns);
	ep_store_relaxed(&imp->cuts, cuts_of(conf));
	if (begins_anew)
		ep_dice_init(
		    &imp->dice, conf->seed != 0 ? conf->seed : imp->seed);
	if (conf->ber != 0 && (conf->ber != old.ber || begins_anew))
		ep_ber_set(&imp->dice.ber, conf->ber);
	if (conf->loss_model != old.loss_model)
		imp->dice.state = EP_STATE_GOOD;
	/* A straggler of the jitter that was holds nobody up. */
	if (!keeps_order(&old))
		imp->last_ns = 0;
	run(imp, now_ns);
}

void
ep_impair_flush(struct ep_impair *imp)
{
	const struct ep_link_conf none = { .delay_ns = 0 };
	struct ep_link_parts parts = { .filter = NULL };

	ep_impair_set(
	    imp, &none, 0, &parts, ep_sched_mono(imp->ifp->ep->sched));
	let_go(imp, UINT64_MAX);
	imp->last_ns = 0;
}

void
ep_impair_drop(struct ep_impair *imp, struct epair_if *ifp, enum epair_drop why)
{
	struct epair_mbuf *m;

	while ((m = ep_line_take(&imp->line)) != NULL)
		(void)ep_drop(ifp, &m, 1, why, 0);
	while ((m = ep_held_take(&imp->held, UINT64_MAX)) != NULL) {
		(void)ep_add_relaxed(&imp->ifp->linked.dropped, 1);
		(void)ep_drop(ifp, &m, 1, why, 0);
	}
}
