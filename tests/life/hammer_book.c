/* SPDX-License-Identifier: BSD-2-Clause */
#include "hammer.h"

#include "base/atomic.h"

void
hammer_ref(struct record *rec)
{
	(void)ep_add_relaxed(&rec->refs, 1);
}

void
hammer_put(struct record *rec)
{
	struct hammer *h = rec->h;

	if (ep_sub_acq_rel(&rec->refs, 1) != 1)
		return;
	CHECK(pthread_mutex_lock(&h->lock) == 0);
	rec->next = h->graves;
	h->graves = rec;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
}

struct record *
hammer_get(struct hammer *h, unsigned slot)
{
	struct record *rec;

	CHECK(pthread_mutex_lock(&h->lock) == 0);
	rec = h->slots[slot];
	if (rec != NULL)
		hammer_ref(rec);
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	return rec;
}

void
hammer_forget(struct hammer *h, unsigned slot, struct record *rec)
{
	bool had;

	CHECK(pthread_mutex_lock(&h->lock) == 0);
	had = h->slots[slot] == rec;
	if (had)
		h->slots[slot] = NULL;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	if (had)
		hammer_put(rec);
}

static struct record *
make(struct hammer *h, struct epair_if *a, bool is_mixed)
{
	struct record *rec = calloc(1, sizeof(*rec));

	CHECK(rec != NULL);
	rec->h = h;
	rec->refs = 1;
	rec->ends[0].ifp = a;
	rec->ends[1].ifp = epair_if_peer(a);
	for (int i = 0; i < 2; i++) {
		rec->ends[i].rec = rec;
		rec->ends[i].is_mixed = is_mixed;
		(void)epair_if_up(rec->ends[i].ifp);
	}
	return rec;
}

void
hammer_create(struct hammer *h, unsigned slot)
{
	unsigned vnet = hammer_below(h, HAMMER_VNETS);
	struct record *rec, *other;
	struct epair_if *a;

	if (epair_if_create(
		h->life.ep, hammer_vnets[vnet], "epair", NULL, &a, NULL) != 0)
		return;
	rec = make(h, a, vnet == HAMMER_VNETS - 1);
	CHECK(pthread_mutex_lock(&h->lock) == 0);
	other = h->slots[slot];
	if (other == NULL)
		h->slots[slot] = rec;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	if (other != NULL) {
		(void)epair_if_destroy(a, NULL);
		hammer_put(rec);
	}
}

/* Nobody sends any more: are all frames through? */
static bool
is_settled(struct record *rec, char why[160])
{
	for (int i = 0; i < 2; i++) {
		struct record_end *end = &rec->ends[i];
		struct epair_if_stats s;

		if (!life_is_settled(end->ifp,
			end->generates ? -1 : (int64_t)end->sent, why))
			return false;
		s = life_stats(end->ifp);
		if (!end->is_mixed && s.delivered != end->got) {
			(void)snprintf(why, 160, "delivered %llu, got %llu",
			    (unsigned long long)s.delivered,
			    (unsigned long long)end->got);
			return false;
		}
	}
	return true;
}

unsigned
hammer_reap(struct hammer *h)
{
	struct record *rec, *next, *left = NULL;
	unsigned count = 0;

	CHECK(pthread_mutex_lock(&h->lock) == 0);
	rec = h->graves;
	h->graves = NULL;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	for (; rec != NULL; rec = next) {
		char why[160];

		next = rec->next;
		if (!is_settled(rec, why)) {
			/* Shown where the patience of a test ends. */
			if (ep_load_relaxed(&h->stop) > 1)
				(void)fprintf(stderr, "# %s\n", why);
			rec->next = left;
			left = rec;
			count++;
			continue;
		}
		h->settled_pairs++;
		h->settled_frames += rec->ends[0].sent + rec->ends[1].sent;
		epair_if_put(rec->ends[0].ifp);
		epair_if_put(rec->ends[1].ifp);
		free(rec);
	}
	while ((rec = left) != NULL) {
		left = rec->next;
		CHECK(pthread_mutex_lock(&h->lock) == 0);
		rec->next = h->graves;
		h->graves = rec;
		CHECK(pthread_mutex_unlock(&h->lock) == 0);
	}
	return count;
}
