/* SPDX-License-Identifier: BSD-2-Clause */
#include "two.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int
set_up_side(struct side *s, unsigned queues)
{
	struct epair_opts opts = {
		.size = sizeof(opts), .way = EPAIR_LOOP, .queues = queues
	};
	struct epair_create how = { .size = sizeof(how), .mtu = 65535 };

	if (epair_new(&opts, &s->ep, NULL) != 0)
		return -1;
	assert_int_equal(
	    epair_if_create(s->ep, NULL, "epair0", &how, &s->a, NULL), 0);
	s->b = epair_if_peer(s->a);
	keep(s->b, &s->at_b);
	assert_int_equal(epair_if_up(s->a), 0);
	assert_int_equal(epair_if_up(s->b), 0);
	assert_int_equal(epair_subscribe(s->ep, 4096, &s->sub, NULL), 0);
	return 0;
}

static int
set_up(void **state, unsigned queues)
{
	struct two *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	*state = t;
	for (int i = 0; i < 2; i++)
		if (set_up_side(&t->side[i], queues) != 0)
			return -1;
	strcpy(t->folder, "/tmp/epair-memif-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	(void)snprintf(t->path, sizeof(t->path), "%s/s", t->folder);
	return 0;
}

int
two_setup(void **state)
{
	return set_up(state, 1);
}

int
two_setup_queues(void **state)
{
	return set_up(state, 4);
}

int
two_teardown(void **state)
{
	struct two *t = *state;

	for (int i = 0; i < 2; i++) {
		struct side *s = &t->side[i];

		(void)epair_detach(s->a, NULL);
		forget(&s->at_b);
		epair_if_put(s->b);
		destroy(s->a);
		epair_unsubscribe(s->sub);
		assert_int_equal(usage(s->ep).mbufs, 0);
		assert_int_equal(epair_free(s->ep), 0);
	}
	/* Nothing is left in there. */
	assert_int_equal(rmdir(t->folder), 0);
	free(t);
	return 0;
}

void
side_turn(struct side *s, int wait_ms)
{
	struct pollfd pfd = { .fd = epair_fd(s->ep, 0), .events = POLLIN };
	struct epair_event ev;

	(void)poll(&pfd, 1, wait_ms);
	assert_true(epair_dispatch(s->ep, 0, 0) >= 0);
	while (epair_event_next(s->sub, &ev) == 1)
		if (ev.type == EPAIR_EVENT_ATTACHMENT) {
			s->events++;
			strcpy(s->said, ev.detail);
		}
}

void
two_turn(struct two *t)
{
	side_turn(&t->side[0], 0);
	side_turn(&t->side[1], 1);
}

void
two_patience(uint64_t *since, const char *what)
{
	struct timespec ts;
	uint64_t now;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec;
	if (*since == 0)
		*since = now;
	if (now > *since + 20)
		fail_msg("after twenty seconds still not: %s", what);
}

static int vattach(struct side *s, struct epair_err *err, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static int
vattach(struct side *s, struct epair_err *err, const char *fmt, va_list ap)
{
	char spec[256];

	(void)vsnprintf(spec, sizeof(spec), fmt, ap);
	return epair_attach(s->a, spec, err);
}

void
attach(struct side *s, const char *fmt, ...)
{
	struct epair_err err = { .text = "" };
	va_list ap;
	int error;

	va_start(ap, fmt);
	error = vattach(s, &err, fmt, ap);
	va_end(ap);
	if (error != 0)
		fail_msg("%s", err.text);
}

int
attach_error(struct side *s, struct epair_err *err, const char *fmt, ...)
{
	va_list ap;
	int error;

	va_start(ap, fmt);
	error = vattach(s, err, fmt, ap);
	va_end(ap);
	return error;
}

void
await_joined(struct two *t)
{
	AWAIT(t, has_said(&t->side[0], "connected to a client"));
	AWAIT(t, has_said(&t->side[1], "connected to"));
}

void
join(struct two *t, const char *more)
{
	attach(&t->side[0], "memif:path=%s,role=server%s", t->path, more);
	attach(&t->side[1], "memif:path=%s,reconnect=5ms%s", t->path, more);
	await_joined(t);
}

int
has_said(const struct side *s, const char *words)
{
	return strncmp(s->said, "cannot", 6) != 0 &&
	       strstr(s->said, words) != NULL;
}

uint64_t
dropped(struct epair_if *ifp, enum epair_drop reason)
{
	return stats(ifp).drops[reason];
}

static uint8_t
octet(uint32_t i, uint32_t number)
{
	return (uint8_t)(i * 7 + number);
}

static struct epair_mbuf *
make_numbered(struct side *s, uint32_t len, uint32_t number)
{
	struct epair_mbuf *m = frame(s->ep, len);

	for (uint32_t i = 14; i < len - sizeof(number); i++)
		m->data[i] = octet(i, number);
	memcpy(m->data + len - sizeof(number), &number, sizeof(number));
	return m;
}

void
send_numbered(struct side *s, uint32_t len, uint32_t number)
{
	assert_int_equal(transmit(s->b, make_numbered(s, len, number)), 0);
}

void
send_in_flow(struct side *s, uint32_t len, uint32_t number, uint32_t flow)
{
	struct epair_mbuf *m = make_numbered(s, len, number);

	m->hash = flow;
	m->hashtype = EPAIR_HASH_RSS_IPV4;
	assert_int_equal(transmit(s->b, m), 0);
}

uint32_t
number_of(struct epair_mbuf *m)
{
	static uint8_t octets[65549];
	uint32_t number, len = m->pktlen;

	assert_int_equal(epair_mbuf_read(m, 0, octets, len), len);
	memcpy(&number, octets + len - sizeof(number), sizeof(number));
	for (uint32_t i = 14; i < len - sizeof(number); i++)
		if (octets[i] != octet(i, number))
			fail_msg("frame %u of %u octets differs at %u", number,
			    len, i);
	return number;
}
