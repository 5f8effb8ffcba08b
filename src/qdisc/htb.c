/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/htb.c - shares: each class is sure of a rate, may have what the others
 * leave, and gets no more than a ceiling.
 *
 * After Linux' HTB, of one level. A class that has frames sends
 *
 *	by right     while its own rate allows; the most important class first
 *	borrowed     when nobody may by right, while its ceiling allows; what is
 *	             left is shared in the proportion of the rates
 *
 * What is borrowed is not taken from the rate: a class that had more than its
 * own is sure of its own at once. How much there is to borrow is for the link:
 * without a rate there (link.h) only ceilings hold anybody back.
 *
 * A rate is kept as the time until which it is used up, which may be a burst
 * ahead of now; so is a ceiling. For the proportions each class has a clock of
 * its own that goes on by what it borrows, the slower the more its rate is; the
 * one that is behind borrows next.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/number.h"
#include "base/rate.h"
#include "mbuf/line.h"
#include "qdisc/class.h"
#include "qdisc/qdisc.h"

#define RATE_MIN UINT64_C(1000)
#define RATE_MAX UINT64_C(1000000000000)

/* Bursts, when nothing is said of them: frames, or time if that is more. */
#define BURST_FRAMES UINT64_C(3028) /* two of 1514 */
#define BURST_NS     EP_NS_PER_MS

struct htb_conf {
	uint32_t limit;
	uint64_t burst;
	unsigned by, class_count;
	const char *classes[EP_CLASSES];
};

struct meter {
	uint64_t rate; /* bit/s; 0: none */
	uint64_t burst_ns;
	struct ep_busy used; /* up, until then */
};

struct class
{
	struct ep_line line;
	struct meter own, ceiling;
	uint64_t clock; /* of what it borrowed */
};

struct htb {
	struct ep_qdisc qd;
	uint32_t limit, count;
	enum ep_class_by by;
	uint64_t borrowed;
	struct class classes[EP_CLASSES];
};

static const struct htb_conf htb_default = { .limit = 1000, .by = EP_BY_PCP };

#define AT(field) offsetof(struct htb_conf, field)
static const struct ep_opt htb_opts[] = {
	{ .key = "limit",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = AT(limit),
	    .min = 1,
	    .max = 1048576 },
	{ .key = "by",
	    .form = "pcp|dscp",
	    .type = EP_OPT_CHOICE,
	    .offset = AT(by),
	    .choices = ep_class_by },
	{ .key = "burst",
	    .form = "N",
	    .type = EP_OPT_SIZE,
	    .offset = AT(burst),
	    .max = 1 << 30 },
	{ .key = "class",
	    .form = "CLASS:RATE[:CEIL]",
	    .type = EP_OPT_TEXT,
	    .offset = AT(classes),
	    .many = EP_CLASSES,
	    .many_offset = AT(class_count) },
	{ .key = NULL },
};

/* Time that so many octets, fewer than 2^30, take. */
static uint64_t
time_of(uint64_t octets, uint64_t rate)
{
	return octets * 8 * EP_NS_PER_S / rate;
}

static void
meter_init(struct meter *meter, uint64_t rate, uint64_t burst)
{
	meter->rate = rate;
	if (rate == 0)
		return;
	meter->burst_ns = time_of(burst != 0 ? burst : BURST_FRAMES, rate);
	if (burst == 0 && meter->burst_ns < BURST_NS)
		meter->burst_ns = BURST_NS;
}

/* When it allows the next frame. */
static uint64_t
meter_next(const struct meter *meter)
{
	return meter->used.until_ns > meter->burst_ns
		   ? meter->used.until_ns - meter->burst_ns
		   : 0;
}

static void
meter_use(struct meter *meter, uint64_t octets, uint64_t now_ns)
{
	if (meter->rate == 0)
		return;
	ep_busy_from(&meter->used, now_ns);
	ep_busy_add(&meter->used, octets, meter->rate);
}

/* "RATE" or "RATE:CEIL". */
static bool
read_rates(const char *text, uint64_t *rate, uint64_t *ceiling)
{
	char word[32];
	size_t len = 0;

	while (
	    text[len] != '\0' && text[len] != ':' && len < sizeof(word) - 1) {
		word[len] = text[len];
		len++;
	}
	word[len] = '\0';
	*ceiling = 0;
	if (!ep_number_scaled(word, ep_rate_units, rate))
		return false;
	if (text[len] == '\0')
		return *rate >= RATE_MIN && *rate <= RATE_MAX;
	return text[len] == ':' &&
	       ep_number_scaled(text + len + 1, ep_rate_units, ceiling) &&
	       *ceiling >= RATE_MIN && *ceiling <= RATE_MAX &&
	       *rate <= *ceiling && (*rate == 0 || *rate >= RATE_MIN);
}

static int
read_classes(struct htb *h, const struct htb_conf *c, struct epair_err *err)
{
	for (unsigned i = 0; i < c->class_count; i++) {
		uint64_t rate = 0, ceiling = 0;
		const char *rest = NULL;
		unsigned class = 0;
		int error = ep_class_parse(
		    "class", c->classes[i], &class, &rest, err);

		if (error != 0)
			return error;
		if (!read_rates(rest, &rate, &ceiling))
			return ep_fail(err, -EINVAL,
			    "class '%.48s': must be CLASS:RATE or "
			    "CLASS:RATE:CEIL, rates with their unit, 1kbit to "
			    "1tbit, CEIL no less than RATE",
			    c->classes[i]);
		meter_init(&h->classes[class].own, rate, c->burst);
		meter_init(&h->classes[class].ceiling, ceiling, c->burst);
	}
	return 0;
}

static int
htb_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	const struct htb_conf *c = conf;
	struct htb *h = calloc(1, sizeof(*h));
	int error;

	if (h == NULL)
		return ep_fail(err, -ENOMEM, "no memory for htb");
	h->limit = c->limit;
	h->by = (enum ep_class_by)c->by;
	h->qd.classes = EP_CLASSES;
	error = read_classes(h, c, err);
	if (error != 0)
		free(h);
	else
		*qd = &h->qd;
	return error;
}

static void
htb_destroy(struct ep_qdisc *qd)
{
	free(qd);
}

/* Who has fewer frames than its part of the limit is not refused for others. */
static struct epair_mbuf *
give_way(struct htb *h, const struct class *class, struct epair_mbuf *m)
{
	struct class *longest = &h->classes[0];

	for (unsigned i = 1; i < EP_CLASSES; i++)
		if (h->classes[i].line.count > longest->line.count)
			longest = &h->classes[i];
	if (class->line.count + 1 >= longest->line.count)
		return m;
	h->count--;
	return ep_line_take(&longest->line);
}

static struct epair_mbuf *
htb_enqueue(struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns)
{
	struct htb *h = (struct htb *)qd;
	unsigned place = ep_class_of(h->by, m);
	struct class *class = &h->classes[place];
	struct epair_mbuf *victim = NULL;

	(void)now_ns;
	m->user[1] = place;
	if (h->count >= h->limit)
		victim = give_way(h, class, m);
	if (victim == m)
		return m;
	ep_line_put(&class->line, m);
	h->count++;
	return victim;
}

static struct class *
by_right(struct htb *h, uint64_t now_ns)
{
	for (unsigned i = EP_CLASSES; i-- > 0;) {
		struct class *class = &h->classes[i];

		if (class->line.count > 0 && class->own.rate != 0 &&
		    meter_next(&class->own) <= now_ns)
			return class;
	}
	return NULL;
}

/* Clocks come round. */
static bool
is_behind(const struct class *one, const struct class *other)
{
	return (int64_t)(one->clock - other->clock) < 0;
}

static struct class *
borrower(struct htb *h, uint64_t now_ns)
{
	struct class *first = NULL;

	for (unsigned i = EP_CLASSES; i-- > 0;) {
		struct class *class = &h->classes[i];

		if (class->line.count > 0 &&
		    meter_next(&class->ceiling) <= now_ns &&
		    (first == NULL || is_behind(class, first)))
			first = class;
	}
	return first;
}

/*
 * The clock of who borrows goes on. Who is behind it yet did not borrow was
 * away, or held back by its ceiling, and is owed nothing for that.
 */
static void
borrow(struct htb *h, struct class *class, uint32_t octets)
{
	for (unsigned i = 0; i < EP_CLASSES; i++)
		if (is_behind(&h->classes[i], class))
			h->classes[i].clock = class->clock;
	class->clock += time_of(
	    octets, class->own.rate != 0 ? class->own.rate : RATE_MIN);
	h->borrowed++;
}

static struct epair_mbuf *
htb_dequeue(struct ep_qdisc *qd, uint64_t now_ns)
{
	struct htb *h = (struct htb *)qd;
	struct class *class = by_right(h, now_ns);
	bool borrows = class == NULL;
	struct epair_mbuf *m;

	if (borrows)
		class = borrower(h, now_ns);
	if (class == NULL)
		return NULL;
	m = ep_line_take(&class->line);
	h->count--;
	if (now_ns == UINT64_MAX)
		return m;
	if (borrows)
		borrow(h, class, m->pktlen);
	else
		meter_use(&class->own, m->pktlen, now_ns);
	meter_use(&class->ceiling, m->pktlen, now_ns);
	return m;
}

static uint64_t
htb_next(struct ep_qdisc *qd)
{
	const struct htb *h = (const struct htb *)qd;
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < EP_CLASSES; i++) {
		const struct class *class = &h->classes[i];
		uint64_t when = meter_next(&class->ceiling);

		if (class->own.rate != 0 && meter_next(&class->own) < when)
			when = meter_next(&class->own);
		if (class->line.count > 0 && when < next)
			next = when;
	}
	return next;
}

static void
htb_look(struct ep_qdisc *qd, struct epair_qdisc_stats *stats)
{
	stats->borrowed = ((struct htb *)qd)->borrowed;
}

extern const struct ep_qdisc_ops ep_qdisc_htb;
const struct ep_qdisc_ops ep_qdisc_htb = {
	.name = "htb",
	.opts = htb_opts,
	.conf_size = sizeof(struct htb_conf),
	.conf_default = &htb_default,
	.create = htb_create,
	.destroy = htb_destroy,
	.enqueue = htb_enqueue,
	.dequeue = htb_dequeue,
	.next = htb_next,
	.look = htb_look,
};
