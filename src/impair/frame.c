/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/atomic.h"
#include "impair/impair_priv.h"
#include "mbuf/account.h"
#include "mbuf/flat.h"
#include "mbuf/offload.h"
#include "mbuf/pool.h"

#define WIRE_MIN   60u /* shorter frames are padded; without FCS */
#define WIRE_EXTRA 24u /* FCS 4, preamble 8, gap 12 */
/* Longer than any frame; times 8 * 10^9 it is below 2^63. */
#define OCTETS_MAX (INT64_C(1) << 30)

static uint64_t
on_wire(uint64_t len, const struct ep_link_conf *conf)
{
	int64_t octets = len < OCTETS_MAX ? (int64_t)len : OCTETS_MAX;

	if (conf->wire != 0)
		octets = (octets < WIRE_MIN ? WIRE_MIN : octets) + WIRE_EXTRA;
	octets += (int64_t)conf->overhead;
	if (octets < 1)
		octets = 1;
	if (conf->cell != 0) {
		int64_t cell = (int64_t)conf->cell;

		octets = (octets + cell - 1) / cell *
			 (cell + (int64_t)conf->cell_overhead);
	}
	return (uint64_t)(octets < OCTETS_MAX ? octets : OCTETS_MAX);
}

uint64_t
ep_impair_wire_bytes(
    const struct epair_mbuf *m, const struct ep_link_conf *conf)
{
	uint64_t frames, full, headers, rest, octets;
	uint64_t tag = ep_flat_len(m) - m->pktlen; /* that is out of band */

	if (m->gso == EPAIR_GSO_NONE)
		return on_wire(m->pktlen + tag, conf);
	frames = ep_mbuf_segments(m);
	if (frames == 0)
		frames = 1;
	full = ep_mbuf_segment_len(m) + tag;
	headers = full > m->gso_size ? full - m->gso_size : 0;
	rest = m->pktlen + tag + (frames - 1) * headers;
	rest = rest > (frames - 1) * full ? rest - (frames - 1) * full : 0;
	octets = (frames - 1) * on_wire(full, conf) + on_wire(rest, conf);
	return octets < OCTETS_MAX ? octets : OCTETS_MAX;
}

/* Charged to whom m is charged. */
static struct epair_mbuf *
copy_charged(struct ep_impair *imp, const struct epair_mbuf *m)
{
	struct ep_mcache *mc = ep_mcache_self(imp->ifp->ep->pool);
	struct epair_mbuf *copy;

	if (mc == NULL || ep_account_charge(mc, imp->ifp->account, 1) == 0)
		return NULL;
	copy = epair_mbuf_copy(m);
	if (copy == NULL)
		ep_account_release(mc, imp->ifp->account, 1);
	else
		copy->account = imp->ifp->account;
	return copy;
}

struct epair_mbuf *
ep_impair_twin(struct ep_impair *imp, const struct epair_mbuf *m)
{
	struct epair_mbuf *twin = copy_charged(imp, m);

	if (twin != NULL)
		(void)ep_add_relaxed(&imp->ifp->linked.duplicated, 1);
	return twin;
}

static void
turn_bit(struct epair_mbuf *m, uint64_t bit)
{
	uint64_t at = bit / 8;

	while (at >= m->len) {
		at -= m->len;
		m = m->next;
	}
	m->data[at] ^= (uint8_t)(1u << bit % 8);
}

/* Those in error of all that it has. */
static void
turn_bits(struct epair_mbuf *m, struct ep_ber *ber, uint64_t bits)
{
	uint64_t at;

	for (at = ber->clean; at < bits; at += 1 + ep_ber_gap(ber))
		turn_bit(m, at);
	ber->clean = at - bits;
}

/* *mp, or a copy of it, whose octets may be changed. */
static bool
make_own(struct ep_impair *imp, struct epair_mbuf **mp)
{
	struct epair_mbuf *copy;

	if (!ep_mbuf_is_foreign(*mp))
		return true;
	copy = copy_charged(imp, *mp);
	if (copy == NULL)
		return false;
	ep_mbuf_free1(*mp);
	*mp = copy;
	return true;
}

bool
ep_impair_damage(struct ep_impair *imp, struct epair_mbuf **mp)
{
	const struct ep_link_conf *conf = &imp->conf;
	struct ep_dice *dice = &imp->dice;
	uint64_t bits = (uint64_t)(*mp)->pktlen * 8;
	bool has_one = ep_die_throw(
	    &dice->corrupt, conf->corrupt, conf->corrupt_corr);
	bool has_errors = conf->ber != 0 && ep_ber_hits(&dice->ber, bits);
	struct epair_mbuf *m;

	/*
	 * Frames are cut and finished before they come to a link that damages.
	 * One that stood in line when it began to was not: to cut it is too
	 * late, and it stays as it is; an open checksum is finished now, or the
	 * receiver would make one that fits what is wrong.
	 */
	if (bits == 0 || (*mp)->gso != EPAIR_GSO_NONE ||
	    !(has_one || has_errors))
		return true;
	if (!make_own(imp, mp))
		return false;
	m = *mp;
	/* What makes no sense stays open: the receiver will say so. */
	(void)ep_mbuf_csum(m);
	if (has_one)
		turn_bit(m, ep_rng_next(&dice->corrupt.rng) % bits);
	if (has_errors)
		turn_bits(m, &dice->ber, bits);
	/* Nobody has seen to these any more. */
	m->flags &= ~(uint32_t)EPAIR_M_CSUM_VALID;
	m->hashtype = EPAIR_HASH_NONE;
	(void)ep_add_relaxed(&imp->ifp->linked.corrupted, 1);
	return true;
}
