/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rig.h"

#define MS UINT64_C(1000000)

static struct epair_scenario *
parse(const char *text)
{
	struct epair_scenario *sc = NULL;
	struct epair_err err = { .text = "" };

	if (epair_scenario_parse(text, strlen(text), "s", &sc, &err) != 0)
		fail_msg("%s", err.text);
	return sc;
}

static struct epair_scenario *
begin(struct rig *r, const char *text)
{
	struct epair_scenario *sc = parse(text);

	assert_int_equal(epair_scenario_start(sc, r->b, NULL), 0);
	return sc;
}

static struct epair_scenario_status
status_of(struct epair_scenario *sc)
{
	struct epair_scenario_status status = { .size = sizeof(status) };

	assert_int_equal(epair_scenario_get_status(sc, &status), 0);
	return status;
}

static const char *
link_of(struct epair_if *ifp)
{
	static char text[EPAIR_LINK_TEXT_MAX];

	(void)epair_if_get_link(ifp, text, sizeof(text));
	return text;
}

static void
advance(struct rig *r, uint64_t ns)
{
	assert_int_equal(epair_advance(r->ep, ns), 0);
}

static void
steps_are_made_at_their_times(void **state)
{
	struct rig *r = *state;
	struct epair_scenario *sc;

	advance(r, 77 * MS);
	sc = begin(r, "# first\n"
		      "at 5ms link a loss 2%\n"
		      "\n"
		      "  after 10ms\tlink both delay 1ms   \r\n"
		      "at 15ms link a loss 0%\n"
		      "at 30ms down b");
	assert_int_equal(status_of(sc).steps, 4);
	assert_int_equal(status_of(sc).length_ns, 30 * MS);
	advance(r, 5 * MS - 1);
	assert_string_equal(link_of(r->a), "none");
	advance(r, 1);
	assert_string_equal(link_of(r->a), "loss random 2%");
	assert_string_equal(link_of(r->b), "none");
	advance(r, 10 * MS);
	assert_string_equal(link_of(r->a), "delay 1ms");
	assert_string_equal(link_of(r->b), "delay 1ms");
	assert_int_equal(status_of(sc).done, 3);
	assert_true(info(r->b).flags & EPAIR_IFF_UP);
	advance(r, 15 * MS);
	assert_false(info(r->b).flags & EPAIR_IFF_UP);
	assert_true(info(r->a).flags & EPAIR_IFF_UP);
	assert_int_equal(status_of(sc).done, 4);
	assert_int_equal(status_of(sc).refused, 0);
	assert_int_equal(status_of(sc).ended, 0);
	epair_scenario_free(sc);
}

static void
each_verb_does_what_its_name_says(void **state)
{
	struct rig *r = *state;
	struct epair_scenario *sc = begin(r,
	    "at 0 detach both\n"
	    "at 0 attach a echo:addr=10.0.0.1/24\n"
	    "at 1ms mtu both 9000\n"
	    "at 1ms qdisc a codel\n"
	    "at 2ms qdisc a none\n"
	    "at 2ms down both\n"
	    "at 3ms up both\n"
	    "at 4ms end\n"
	    "at 5ms mtu both 1500\n");

	advance(r, 1 * MS);
	assert_string_equal(info(r->a).attachment, "echo:addr=10.0.0.1/24");
	assert_string_equal(info(r->b).attachment, "");
	assert_int_equal(info(r->a).mtu, 9000);
	assert_int_equal(info(r->b).mtu, 9000);
	assert_string_equal(info(r->a).qdisc, "codel");
	advance(r, 1 * MS);
	assert_string_equal(info(r->a).qdisc, "");
	assert_false(info(r->a).flags & EPAIR_IFF_UP);
	advance(r, 10 * MS);
	assert_true(info(r->a).flags & EPAIR_IFF_UP);
	assert_int_equal(status_of(sc).refused, 0);
	assert_int_equal(status_of(sc).ended, 1);
	/* nothing comes behind the end */
	assert_int_equal(info(r->a).mtu, 9000);
	epair_scenario_free(sc);
	keep(r->b, &r->at_b);
}

static void
step_that_is_refused_is_told_and_the_next_one_comes(void **state)
{
	struct rig *r = *state;
	struct epair_event ev = { .detail = "" };
	struct epair_scenario *sc;
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	sc = begin(r, "at 1ms attach b sink\nat 2ms mtu b 600\n");
	advance(r, 3 * MS);
	while (
	    epair_event_next(sub, &ev) == 1 && ev.type != EPAIR_EVENT_SCENARIO)
		continue;
	assert_int_equal(ev.time_ns, 1 * MS);
	assert_non_null(strstr(ev.detail, "line 1: attach b sink: refused: "));
	assert_int_equal(status_of(sc).refused, 1);
	assert_int_equal(info(r->b).mtu, 600);
	epair_unsubscribe(sub);
	epair_scenario_free(sc);
}

static void
freed_scenario_changes_nothing_more(void **state)
{
	struct rig *r = *state;
	struct epair_scenario *sc = begin(r, "at 5ms mtu both 600");

	assert_int_equal(epair_scenario_start(sc, r->a, NULL), -EBUSY);
	advance(r, 4 * MS);
	epair_scenario_free(sc);
	epair_scenario_free(NULL);
	advance(r, 4 * MS);
	assert_int_equal(info(r->a).mtu, 1500);
}

static void
scenario_outlives_its_pair(void **state)
{
	struct rig *r = *state;
	struct epair_scenario *sc = begin(r, "at 5ms mtu both 600");

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	advance(r, 9 * MS);
	assert_int_equal(status_of(sc).refused, 1);
	epair_scenario_free(sc);
}

static void
wrong_lines_are_named_by_number(void **state)
{
	static const struct {
		const char *text, *begin;
	} wrong[] = {
		{ "on 5s link a cut", "s:1: unknown word 'on'" },
		{ "at", "s:1: no time" },
		{ "\n# x\nat 5 link a cut", "s:3: no time '5'" },
		{ "at 5s", "s:1: unknown verb ''" },
		{ "at 5s blink a",
		    "s:1: unknown verb 'blink'; allowed: link," },
		{ "at 5s link c cut", "s:1: no end 'c'" },
		{ "at 5s link a", "s:1: link: " },
		{ "at 5s link a dealy 5ms", "s:1: link: " },
		{ "at 5s up a now", "s:1: too much: 'now'" },
		{ "at 5s end a", "s:1: too much: 'a'" },
		{ "at 5s mtu a 71", "s:1: mtu: " },
		{ "at 5s mtu a 1500x", "s:1: mtu: " },
		{ "at 5s qdisc a red", "s:1: qdisc: " },
		{ "at 5s attach a tap:nets=x", "s:1: attach: " },
		{ "at 5s up a\nat 4s up a", "s:2: earlier than" },
		{ "after 18446744073s up a\nafter 18446744073s up a",
		    "s:2: too late" },
	};
	struct epair_scenario *sc = NULL;
	struct epair_err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(epair_scenario_parse(wrong[i].text,
				     strlen(wrong[i].text), "s", &sc, &err),
		    -EINVAL);
		if (strncmp(err.text, wrong[i].begin, strlen(wrong[i].begin)) !=
		    0)
			fail_msg("'%s': %s", wrong[i].text, err.text);
		assert_null(sc);
	}
	assert_int_equal(
	    epair_scenario_parse("at 5s\0up a", 10, "s", &sc, &err), -EINVAL);
}

static void
file_is_read_and_named(void **state)
{
	char path[] = "/tmp/epair-test-XXXXXX";
	const char *text = "at 1ms mtu both 900\nat 2ms mtu both 90000\n";
	struct rig *r = *state;
	struct epair_scenario *sc;
	struct epair_err err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(epair_scenario_read(path, &sc, &err), -EINVAL);
	assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
	assert_non_null(strstr(err.text, ":2: "));
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_int_equal(epair_scenario_read(path, &sc, &err), 0);
	assert_int_equal(epair_scenario_start(sc, r->a, NULL), 0);
	advance(r, 1 * MS);
	assert_int_equal(info(r->a).mtu, 900);
	epair_scenario_free(sc);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(epair_scenario_read(path, &sc, &err), -ENOENT);
	assert_int_equal(epair_scenario_read("/dev/zero", &sc, &err), -EFBIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(steps_are_made_at_their_times),
		RIG_TEST(each_verb_does_what_its_name_says),
		RIG_TEST(step_that_is_refused_is_told_and_the_next_one_comes),
		RIG_TEST(freed_scenario_changes_nothing_more),
		RIG_TEST(scenario_outlives_its_pair),
		BARE_TEST(wrong_lines_are_named_by_number),
		RIG_TEST(file_is_read_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
