/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text is a discipline or refused with a sentence; what is one keeps to its
 * contract (K1, K2) and counts right, whatever comes and goes, and when.
 *
 * Input: the text, a line end, and steps of four octets: what is done, the
 * frame's length, its flow and class, and the time that passes before.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/domain.h"
#include "mbuf/pool.h"
#include "qdisc/qdisc.h"

#define FRAMES 4096u

struct bench {
	struct ep_domain domain;
	struct ep_pool *pool;
	struct ep_qdisc *qd;
	uint64_t now_ns, put, got, lost;
};

static void
retire(void *arg, struct ep_thread *thr)
{
	ep_pool_retire(((struct bench *)arg)->pool, thr);
}

/* IPv6 with an 802.1Q tag: a class of either kind, and ECT(0). */
static struct epair_mbuf *
make_frame(struct bench *b, uint8_t len, uint8_t class)
{
	static uint8_t octets[2048] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2,
		0x81, 0, 0, 0, 0x86, 0xdd, 0x60, 0x20 };
	struct epair_mbuf *m;

	octets[14] = class & 0xe0;
	octets[18] = 0x60 | class >> 4;
	m = ep_mbuf_from(b->pool, octets, len * 8u);
	if (m != NULL && class & 1) {
		m->hash = class;
		m->hashtype = EPAIR_HASH_OPAQUE;
	}
	return m;
}

static void
collect(struct bench *b) EP_REQUIRES(b->qd->lock)
{
	struct epair_mbuf *m;

	for (; ep_qdisc_given_up(b->qd, &m, 1) == 1; b->lost++)
		ep_mbuf_free1(m);
}

static void
put(struct bench *b, uint8_t len, uint8_t class) EP_REQUIRES(b->qd->lock)
{
	struct epair_mbuf *m = make_frame(b, len, class), *victim = NULL;
	bool refused;
	unsigned n;

	if (m == NULL)
		return;
	b->put++;
	n = ep_qdisc_enqueue(b->qd, &m, 1, b->now_ns, &victim, &refused);
	EP_ASSERT(n <= 1 && refused == (n == 1 && victim == m));
	if (n == 1)
		ep_mbuf_free1(victim);
	b->lost += n;
	collect(b);
}

static void
take(struct bench *b, uint64_t now_ns) EP_REQUIRES(b->qd->lock)
{
	struct epair_mbuf *m;
	unsigned n = ep_qdisc_dequeue(b->qd, &m, 1, now_ns);

	if (n == 1)
		ep_mbuf_free1(m);
	b->got += n;
	collect(b);
	if (n == 1 || b->qd->held == 0)
		return;
	EP_ASSERT(b->qd->ops->next != NULL); /* K2 */
	EP_ASSERT(b->qd->ops->next(b->qd) > now_ns);
}

static void
check(struct bench *b) EP_REQUIRES(b->qd->lock)
{
	struct epair_qdisc_stats s;
	uint64_t waiting = 0, sent = 0, dropped = 0;

	ep_qdisc_look(b->qd, &s);
	EP_ASSERT(s.sent == b->got && s.dropped == b->lost);
	EP_ASSERT(s.waiting == b->qd->held);
	EP_ASSERT(b->put == b->got + b->lost + b->qd->held); /* K1 */
	for (unsigned i = 0; i < s.classes; i++) {
		waiting += s.of_class[i].waiting;
		sent += s.of_class[i].sent;
		dropped += s.of_class[i].dropped;
	}
	if (s.classes != 0)
		EP_ASSERT(waiting == s.waiting && sent == s.sent &&
			  dropped == s.dropped);
}

static void
play(struct bench *b, const uint8_t *data, size_t size)
{
	ep_lock(&b->qd->lock);
	for (; size >= 4; data += 4, size -= 4) {
		b->now_ns += (uint64_t)data[3] << data[3] % 32;
		for (unsigned n = data[0] & 0x1f; n > 0; n--)
			put(b, data[1], data[2]);
		for (unsigned n = data[0] >> 5; n > 0; n--)
			take(b, b->now_ns);
		check(b);
	}
	while (b->qd->held > 0)
		take(b, UINT64_MAX);
	check(b);
	ep_unlock(&b->qd->lock);
}

static void
check_err(int error, const struct epair_err *err)
{
	EP_ASSERT(error == -EINVAL && err->code == error);
	EP_ASSERT(err->text[0] != '\0');
	for (const char *p = err->text; *p != '\0'; p++)
		EP_ASSERT((unsigned char)*p >= ' ' && *p != '\177');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;
	struct epair_err err = { .text = "" };
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t len = end != NULL ? (size_t)(end - data) : size;
	char *text = strndup(len > 0 ? (const char *)data : "", len);
	int error;

	if (text == NULL)
		return 0;
	if (bench.pool == NULL) {
		ep_domain_init(&bench.domain, retire, &bench);
		bench.pool = ep_pool_create(&bench.domain, FRAMES, 16);
		EP_ASSERT(bench.pool != NULL);
	}
	bench.now_ns = bench.put = bench.got = bench.lost = 0;
	error = ep_qdisc_create(text, &bench.qd, &err);
	if (error != 0) {
		check_err(error, &err);
	} else {
		if (end != NULL)
			play(&bench, end + 1, size - len - 1);
		ep_qdisc_destroy(bench.qd);
		EP_ASSERT(ep_pool_used(bench.pool) == 0);
	}
	free(text);
	return 0;
}
