/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making again what was there (epair/state.h): one instance is looked at, and
 * another made from what was seen.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rig.h"

static struct epair_err err;

/* Every interface of an instance, by index; the a ends first made first. */
struct world {
	struct epair_if_info ends[8];
	unsigned count;
	struct epair_numbers numbers;
};

static void
look(struct epair *ep, struct world *w)
{
	struct epair_if *ifp;

	memset(w, 0, sizeof(*w));
	for (uint32_t i = 1; i < 16; i++)
		if (epair_if_get_index(ep, i, &ifp) == 0) {
			w->ends[w->count++] = info(ifp);
			epair_if_put(ifp);
		}
	w->numbers.size = sizeof(w->numbers);
	assert_int_equal(epair_get_numbers(ep, &w->numbers), 0);
}

/* Two pairs, of which little is as it was made, in three vnets. */
static void
furnish(struct epair *ep)
{
	struct epair_if *a = make(ep, NULL, "epair7"), *b = epair_if_peer(a);
	struct epair_if *c = make(ep, NULL, "epair"), *d;

	epair_vnet_add(ep, "red", NULL, NULL);
	epair_vnet_add(ep, "blue", "sink", NULL);
	destroy(c);
	c = make(ep, "red", "epair");
	d = epair_if_peer(c);
	assert_int_equal(epair_if_rename(a, "uplink", NULL), 0);
	assert_int_equal(epair_if_move(b, "red", NULL), 0);
	assert_int_equal(epair_if_move(c, "vnet0", NULL), 0);
	assert_int_equal(epair_if_move(d, "blue", NULL), 0);
	assert_int_equal(epair_if_set_mtu(a, 9000, NULL), 0);
	assert_int_equal(epair_if_describe(b, "to the lab", NULL), 0);
	assert_int_equal(epair_if_set_fib(c, 7), 0);
	assert_int_equal(
	    epair_if_set_mac(d, (const uint8_t *)"\x02\1\2\3\4\5", NULL), 0);
	assert_int_equal(
	    epair_if_set_caps(a, EPAIR_CAP_LINK_FOLLOW, EPAIR_CAP_TSO, NULL),
	    0);
	assert_int_equal(epair_if_set_queue_limit(b, 100, NULL), 0);
	assert_int_equal(epair_if_set_full(c, EPAIR_FULL_WAIT, NULL), 0);
	assert_int_equal(
	    epair_if_set_flags(b, EPAIR_IFF_UP | EPAIR_IFF_MONITOR, 0, NULL),
	    0);
	epair_if_put(a);
	epair_if_put(b);
	epair_if_put(c);
	epair_if_put(d);
}

static int
restore(struct epair *ep, const struct world *w, unsigned a, unsigned b)
{
	return epair_if_restore(ep, &w->ends[a], &w->ends[b], NULL, &err);
}

/* The same vnets, with nothing in them, that count from where others were. */
static struct epair *
empty_copy(const struct world *w)
{
	struct epair *ep = instance();

	assert_int_equal(epair_vnet_add(ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_vnet_add(ep, "blue", "sink", NULL), 0);
	assert_int_equal(epair_set_numbers(ep, &w->numbers, &err), 0);
	return ep;
}

static void
pair_that_is_restored_cannot_be_told_from_the_first(void **state)
{
	struct rig *r = *state;
	struct world was, is;
	struct epair *ep;

	furnish(r->ep);
	look(r->ep, &was);
	assert_int_equal(was.count, 4);
	ep = empty_copy(&was);
	/* The attachment is for another call. */
	for (unsigned i = 0; i < was.count; i++) {
		memset(
		    was.ends[i].attachment, 0, sizeof(was.ends[i].attachment));
		was.ends[i].by_vnet = false;
	}
	assert_int_equal(restore(ep, &was, 2, 3), 0);
	assert_int_equal(restore(ep, &was, 0, 1), 0);
	look(ep, &is);
	assert_int_equal(is.count, was.count);
	assert_memory_equal(&is, &was, sizeof(was));
	instance_free(ep);
}

static void
lists_are_in_the_order_that_they_had(void **state)
{
	struct rig *r = *state;
	char was_list[3][128];
	static const char *const vnets[] = { "vnet0", "red", "blue" };
	struct world was;
	struct epair *ep;

	furnish(r->ep);
	look(r->ep, &was);
	for (int i = 0; i < 3; i++)
		(void)snprintf(was_list[i], sizeof(was_list[i]), "%s",
		    list(r->ep, vnets[i]));
	for (int turn = 0; turn < 2; turn++) {
		ep = empty_copy(&was);
		assert_int_equal(restore(ep, &was, turn * 2, turn * 2 + 1), 0);
		assert_int_equal(
		    restore(ep, &was, 2 - turn * 2, 3 - turn * 2), 0);
		for (int i = 0; i < 3; i++)
			assert_string_equal(list(ep, vnets[i]), was_list[i]);
		instance_free(ep);
	}
}

static void
next_pair_is_what_it_would_have_been(void **state)
{
	struct rig *r = *state;
	struct epair_if *next, *again;
	struct epair_if_info should, is;
	struct world was;
	struct epair *ep;

	furnish(r->ep);
	look(r->ep, &was);
	ep = empty_copy(&was);
	assert_int_equal(restore(ep, &was, 0, 1), 0);
	assert_int_equal(restore(ep, &was, 2, 3), 0);
	next = make(r->ep, "red", "epair");
	again = make(ep, "red", "epair");
	should = info(next);
	is = info(again);
	assert_memory_equal(&is, &should, sizeof(is));
	epair_if_put(next);
	epair_if_put(again);
	instance_free(ep);
}

/* Say of the pair of uplink what cannot be. */
static void
spoil(struct world *w, unsigned i)
{
	struct epair_if_info *a = &w->ends[0];

	switch (i) {
	case 0:
		strcpy(a->name, "a/b");
		break;
	case 1:
		a->mtu = 71;
		break;
	case 2:
		a->queue_limit = 0;
		break;
	case 3:
		a->caps |= 1u << 31;
		break;
	case 4:
		a->unit = 1;
		break;
	case 5:
		strcpy(a->home, "red");
		break;
	case 6:
		strcpy(a->vnet, "green");
		break;
	case 7:
		memcpy(a->mac, w->ends[1].mac, 6);
		break;
	case 8:
		a->mac[0] |= 1;
		break;
	case 9:
		a->index = 0;
		break;
	case 10:
		a->index = 4000000000u;
		break;
	case 11:
		a->place = UINT64_MAX;
		break;
	case 12:
		a->place = 0; /* would be in no part of the list */
		break;
	case 13:
		a->caps = w->ends[1].caps = EPAIR_CAP_VLAN_MTU | EPAIR_CAP_TSO;
		break;
	case 14:
		a->place = w->ends[1].place;
		break;
	case 15:
		memset(a->name, 'x', sizeof(a->name));
		break;
	case 16:
		a->full = EPAIR_FULL_WAIT + 1;
		break;
	case 17:
		a->side = '\n';
		break;
	case 18: /* the one for the other */
		w->ends[2] = *a;
		*a = w->ends[1];
		w->ends[1] = w->ends[2];
		break;
	default:
		a->size++;
		break;
	}
}

static void
what_no_pair_can_be_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		int error;
		const char *says;
	} should[] = { { -EINVAL, "has no name" }, { -EINVAL, "mtu 71" },
		{ -EINVAL, "queue limit 0" }, { -EINVAL, "capabilities" },
		{ -EINVAL, "unit 1 and 7" }, { -EINVAL, "are no pair" },
		{ -ENOENT, "there is no vnet green" },
		{ -EEXIST, "the same address" }, { -EINVAL, "group or zero" },
		{ -EINVAL, "index 0" }, { -EINVAL, "index 4000000000" },
		{ -EINVAL, "no list has such a place" },
		{ -EINVAL, "no list has such a place" },
		{ -EINVAL, "TSO and USO need CSUM" },
		{ -EEXIST, "are at one place" }, { -EINVAL, "has no name" },
		{ -EINVAL, "uplink: full 2: must be 0 or 1" },
		{ -EINVAL, "uplink: side ?: must be a" },
		{ -EINVAL, "epair7b: side b: must be a" },
		{ -EINVAL, "struct epair_if_info" } };
	struct rig *r = *state;
	struct world was, is;
	struct epair *ep;

	furnish(r->ep);
	look(r->ep, &was);
	ep = empty_copy(&was);
	for (unsigned i = 0; i < sizeof(should) / sizeof(should[0]); i++) {
		struct world w = was;

		spoil(&w, i);
		assert_int_equal(restore(ep, &w, 0, 1), should[i].error);
		assert_non_null(strstr(err.text, should[i].says));
		look(ep, &is);
		assert_int_equal(is.count, 0);
	}
	assert_int_equal(restore(ep, &was, 0, 1), 0);
	instance_free(ep);
}

static void
what_is_taken_is_eexist(void **state)
{
	struct rig *r = *state;
	struct world was, w, is;
	struct epair *ep;

	furnish(r->ep);
	look(r->ep, &was);
	ep = empty_copy(&was);
	assert_int_equal(restore(ep, &was, 0, 1), 0);
	w = was;
	strcpy(w.ends[2].name, "uplink");
	assert_int_equal(restore(ep, &w, 2, 3), -EEXIST);
	w = was;
	w.ends[3].index = was.ends[0].index;
	assert_int_equal(restore(ep, &w, 2, 3), -EEXIST);
	w = was;
	memcpy(w.ends[3].mac, was.ends[0].mac, 6);
	assert_int_equal(restore(ep, &w, 2, 3), -EEXIST);
	w = was;
	w.ends[2].place = was.ends[0].place; /* both in vnet0 */
	assert_int_equal(restore(ep, &w, 2, 3), -EEXIST);
	assert_non_null(strstr(err.text, "at the place of uplink"));
	w = was;
	w.ends[2].unit = w.ends[3].unit = 7;
	strcpy(w.ends[2].home, "vnet0");
	strcpy(w.ends[3].home, "vnet0");
	assert_int_equal(restore(ep, &w, 2, 3), -EEXIST);
	assert_non_null(strstr(err.text, "unit 7 of vnet vnet0"));
	look(ep, &is);
	assert_int_equal(is.count, 2);
	assert_int_equal(restore(ep, &was, 2, 3), 0);
	instance_free(ep);
}

static void
texts_are_given_whole_and_measured(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair");
	char spec[600] = "echo:addr=10.0.0.1", buf[600];
	static const char qdisc[] =
	    "fq-codel:limit=10240,flows=1024,quantum=1514,target=5ms,"
	    "interval=100ms,ecn=on";

	for (int i = 2; i < 20; i++)
		(void)snprintf(
		    spec + strlen(spec), 32, ",addr=fd00::%x:1:2:3:4:5", i);
	spec[strlen("echo:addr=10.0.0.1") + 14 * (size_t)26] = '\0';
	*strrchr(spec, ',') = '\0';
	assert_int_equal(epair_if_get_attachment(a, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(epair_attach(a, spec, &err), 0);
	assert_int_equal(
	    epair_if_get_attachment(a, buf, sizeof(buf)), strlen(spec));
	assert_string_equal(buf, spec);
	assert_int_equal(epair_if_get_attachment(a, buf, 5), strlen(spec));
	assert_string_equal(buf, "echo");
	assert_int_equal(epair_if_set_qdisc(a, qdisc, &err), 0);
	assert_int_equal(
	    epair_if_get_qdisc(a, buf, sizeof(buf)), strlen(qdisc));
	assert_string_equal(buf, qdisc);
	assert_int_equal(epair_if_destroy(a, NULL), 0);
	assert_int_equal(epair_if_get_qdisc(a, buf, sizeof(buf)), -ENXIO);
	assert_int_equal(epair_if_get_attachment(a, buf, sizeof(buf)), -ENXIO);
	epair_if_put(a);
}

static void
vnet_tells_its_kind_and_limit(void **state)
{
	struct rig *r = *state;
	struct epair_vnet_info vi = { .size = sizeof(vi) };
	char kind[64];

	furnish(r->ep);
	assert_int_equal(epair_vnet_set_limit(r->ep, "red", 77, NULL), 0);
	assert_int_equal(epair_vnet_get_info(r->ep, "red", &vi), 0);
	assert_int_equal(vi.mbufs_max, 77);
	assert_int_equal(vi.interfaces, 1);
	assert_int_equal(vi.pairs, 1);
	assert_int_equal(epair_vnet_get_info(r->ep, "green", &vi), -ENOENT);
	assert_int_equal(
	    epair_vnet_get_kind(r->ep, "blue", kind, sizeof(kind)), 4);
	assert_string_equal(kind, "sink");
	assert_int_equal(
	    epair_vnet_get_kind(r->ep, "red", kind, sizeof(kind)), 0);
	assert_int_equal(
	    epair_vnet_get_kind(r->ep, "green", kind, sizeof(kind)), -ENOENT);
}

static void
attachment_that_the_vnet_gives_is_marked_so_when_it_is_restored(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair");

	assert_int_equal(epair_attach_fds(a, NULL, NULL, 0, &err), -ENOENT);
	assert_int_equal(epair_vnet_add(r->ep, "blue", "sink", NULL), 0);
	assert_int_equal(epair_if_move(a, "blue", NULL), 0);
	assert_true(info(a).by_vnet);
	assert_int_equal(epair_detach(a, NULL), 0);
	assert_int_equal(epair_attach(a, "sink", NULL), 0);
	assert_false(info(a).by_vnet);
	assert_int_equal(epair_detach(a, NULL), 0);
	assert_int_equal(epair_attach_fds(a, NULL, NULL, 0, &err), 0);
	assert_true(info(a).by_vnet);
	destroy(a);
}

static void
kind_that_takes_no_descriptors_says_so(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair");
	const struct epair_fd fd = { "queue", 0 };

	assert_int_equal(epair_attach_fds(a, "sink", &fd, 1, &err), -EINVAL);
	assert_string_equal(err.text, "kind 'sink' takes no descriptors");
	assert_int_equal(epair_attach_fds(a, "sink", &fd, 66, &err), -EINVAL);
	destroy(a);
}

/* They were counted as descriptors, not as queues, which are one fewer. */
static void
more_queues_than_a_kind_has_room_for_are_refused(void **state)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_LOOP };
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX];
	struct epair_if *a;
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	a = make(ep, NULL, "epair");
	for (unsigned i = 0; i < EPAIR_ATTACH_FDS_MAX; i++)
		fds[i] = (struct epair_fd){ "queue", 0 };
	for (unsigned k = 0; k < 2; k++) {
		assert_int_equal(
		    epair_attach_fds(a, k == 0 ? "packet:dev=lo" : "tap", fds,
			EPAIR_ATTACH_FDS_MAX, &err),
		    -EINVAL);
		assert_non_null(
		    strstr(err.text, "takes at most 64 descriptors 'queue'"));
	}
	destroy(a);
	instance_free(ep);
}

static off_t
size_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	(void)close(fd);
	return size;
}

static void
recording_goes_on_behind_its_end_in_what_was_handed_over(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair"), *b = epair_if_peer(a);
	char path[] = "/tmp/epair-state-XXXXXX", spec[64];
	struct epair_fd fds[2];
	off_t size;

	(void)close(mkstemp(path));
	(void)snprintf(spec, sizeof(spec), "pcap:write=%s", path);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	assert_int_equal(epair_attach(b, spec, &err), 0);
	assert_int_equal(epair_attach_get_fds(b, fds, 0), -ENOSPC);
	assert_int_equal(epair_attach_get_fds(b, fds, 2), 1);
	assert_string_equal(fds[0].name, "write");
	send_one(a, 60);
	run(r);
	assert_int_equal(epair_detach(b, NULL), 0);
	assert_int_equal(epair_attach_get_fds(b, fds, 2), -ENOENT);
	size = size_of(path);
	assert_true(size > 60);
	assert_int_equal(epair_attach_fds(b, spec, fds, 1, &err), 0);
	(void)close(fds[0].fd);
	send_one(a, 60);
	run(r);
	assert_true(size_of(path) >= size + 60);
	destroy(a);
	epair_if_put(b);
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_TEST(pair_that_is_restored_cannot_be_told_from_the_first),
		BARE_TEST(lists_are_in_the_order_that_they_had),
		BARE_TEST(next_pair_is_what_it_would_have_been),
		BARE_TEST(what_no_pair_can_be_is_refused_and_changes_nothing),
		BARE_TEST(what_is_taken_is_eexist),
		BARE_TEST(texts_are_given_whole_and_measured),
		BARE_TEST(vnet_tells_its_kind_and_limit),
		BARE_TEST(
		    attachment_that_the_vnet_gives_is_marked_so_when_it_is_restored),
		BARE_TEST(kind_that_takes_no_descriptors_says_so),
		BARE_TEST(more_queues_than_a_kind_has_room_for_are_refused),
		BARE_TEST(
		    recording_goes_on_behind_its_end_in_what_was_handed_over),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
