/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a link, through the public interface: what is said, what is shown
 * back, and what is refused.
 */
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void
set(struct epair_if *ifp, const char *words)
{
	struct epair_err err = { .text = "" };
	int error = epair_if_set_link(ifp, words, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(error, 0);
}

static void
assert_link(struct epair_if *ifp, const char *words)
{
	char text[EPAIR_LINK_TEXT_MAX];

	assert_int_equal(
	    epair_if_get_link(ifp, text, sizeof(text)), strlen(words));
	assert_string_equal(text, words);
}

static void
words_are_shown_back(void **state)
{
	struct rig *r = *state;

	assert_link(r->a, "none");
	set(r->a, "loss 1% delay 20ms 5ms");
	assert_link(r->a, "delay 20ms 5ms loss random 1%");
	assert_link(r->b, "none");
	set(r->a, "none");
	assert_link(r->a, "none");
	assert_int_equal(epair_if_set(r->a, "link", "delay 3ms", NULL), 0);
	assert_link(r->a, "delay 3ms");
}

static void
what_is_not_named_stays(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 20ms 5ms 25% distribution normal rate 10mbit");
	set(r->a, "loss gemodel 1% 10%");
	set(r->a, "rate 0");
	assert_link(r->a, "delay 20ms 5ms 25% distribution normal "
			  "loss gemodel 1% 10% 100% 0%");
	set(r->a, "loss 0% delay 1ms");
	assert_link(r->a, "delay 1ms distribution normal");
}

static void
wrong_word_is_named_and_changes_nothing(void **state)
{
	static const char *const wrong[][2] = {
		{ "", "a link needs words" },
		{ "'delay' 1ms", "unknown word 'delay'" },
		{ "distribution cauchy", "or a path with a slash" },
		{ "distribution /dev/zero", "is no regular file" },
		{ "loss filter 'tcp port'", "filter 'tcp port'" },
		{ "loss filter \"tcp", "loss filter: EXPRESSION 'tcp'" },
		{ "loss filter", "loss filter needs EXPRESSION" },
		{ "trace", "trace needs FILE: the path of a file, or off" },
		{ "rate 1mbit 70000", "rate: OVERHEAD '70000': must be" },
		{ "overhead x", "overhead: N 'x': must be a number, -65535" },
		{ "slot 5ms 1ms", "slot: MIN is more than MAX" },
		{ "slot distribution normal", "needs TIME" },
		{ "slot distribution cauchy 1ms 1ms", "or a path with a" },
		{ "slot distribution /dev/zero 1ms 1ms", "no regular file" },
		{ "dealy 1ms", "unknown word 'dealy'; known are none, delay" },
		{ "delay", "delay needs TIME" },
		{ "delay 10", "delay: TIME '10': must be a time" },
		{ "loss 101%", "loss: PERCENT '101%': must be 0% to 100%" },
		{ "loss state 1% x", "loss state: P31 'x'" },
		{ "rate 10", "rate: RATE '10': must be a rate" },
		{ "ber 1e-16", "ber: RATE '1e-16': must be 0 to 1, with at" },
		{ "ber 1.1", "ber: RATE '1.1'" },
		{ "ber -1e-3", "ber: RATE '-1e-3'" },
		{ "ber 1e", "ber: RATE '1e'" },
		{ "ber 1e-6x", "ber: RATE '1e-6x'" },
		{ "ber .5", "ber: RATE '.5'" },
		{ "ber 1e99", "ber: RATE '1e99'" },
		{ "ber 1e-99999999999999999999", "ber: RATE '1e-" },
		{ "ber", "ber needs RATE: 0 to 1" },
		{ "drop left", "drop 'left': must be one of tail, head" },
		{ "reorder 5% delay 0", "reorder needs a delay" },
		{ "reorder 5% ordered", "exclude each other" },
		{ "loss state 60% 1% 1% 1% 41%", "P13 and P14" },
	};
	struct rig *r = *state;

	set(r->a, "delay 7ms");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct epair_err err = { .text = "" };

		assert_int_equal(
		    epair_if_set_link(r->a, wrong[i][0], &err), -EINVAL);
		assert_non_null(strstr(err.text, wrong[i][1]));
	}
	assert_link(r->a, "delay 7ms");
}

static void
destroyed_interface_has_no_link(void **state)
{
	struct rig *r = *state;
	char text[EPAIR_LINK_TEXT_MAX];

	set(r->a, "delay 7ms");
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(epair_if_set_link(r->a, "none", NULL), -ENXIO);
	assert_int_equal(epair_if_get_link(r->a, text, sizeof(text)), -ENXIO);
}

static void
words_are_netems_and_more(void **state)
{
	static const char *const said[][2] = {
		{ "rate 10mbit 20 48 5", "rate 10mbit overhead 20 cell 48 5" },
		{ "rate 10mbit -14", "rate 10mbit overhead -14" },
		{ "overhead 4 rate 1gbit wire",
		    "rate 1gbit overhead 4 wire on" },
		{ "loss filter 'udp port 53' 50%",
		    "loss filter \"udp port 53\" 50%" },
		{ "loss filter arp", "loss filter arp 100%" },
		{ "loss filter arp 0%", "none" },
		{ "loss filter arp loss 1%", "loss random 1%" },
		{ "slot 5ms", "slot 5ms 5ms" },
		{ "slot 0 20ms packets 3 bytes 4k",
		    "slot 0s 20ms packets 3 bytes 4k" },
		{ "slot distribution pareto 10ms 2ms",
		    "slot distribution pareto 10ms 2ms" },
		{ "slot distribution pareto 10ms slot 1ms", "slot 1ms 1ms" },
		{ "ber 1e-6", "ber 1e-6" },
		{ "ber 0.00025", "ber 2.5e-4" },
		{ "ber 12.30E-09", "ber 1.23e-8" },
		{ "ber 0.01e+2", "ber 1" },
		{ "ber 0.999999999999999", "ber 9.99999999999999e-1" },
		{ "ber 10e-16", "ber 1e-15" },
		{ "corrupt 1% ber 1e-3 ber 0.0e-30", "corrupt 1%" },
		{ "cell 0 5", "none" },
		{ "trace off distribution uniform", "none" },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		set(r->a, "none");
		set(r->a, said[i][0]);
		assert_link(r->a, said[i][1]);
		if (strcmp(said[i][1], "none") != 0) {
			set(r->a, "none");
			set(r->a, said[i][1]);
		}
		assert_link(r->a, said[i][1]);
	}
}

/* A file of our own. Its path, to be ended by drop_file(). */
static char *
make_file(const char *text)
{
	static char path[] = "/tmp/epair link XXXXXX";
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	return path;
}

static void
file_is_named_in_quotes_and_read_when_it_is_named(void **state)
{
	struct rig *r = *state;
	char words[256], shown[256];
	char *path = make_file("# one\n0 8192\n-8192\n");

	(void)snprintf(
	    words, sizeof(words), "distribution '%s' delay 10ms 2ms", path);
	(void)snprintf(
	    shown, sizeof(shown), "delay 10ms 2ms distribution \"%s\"", path);
	set(r->a, words);
	assert_link(r->a, shown);
	(void)unlink(path);
	set(r->a, "loss 1%"); /* names it not: nothing is read */
	assert_int_equal(epair_if_set_link(r->a, words, NULL), -ENOENT);
	set(r->a, "distribution normal loss 0%");
	assert_link(r->a, "delay 10ms 2ms distribution normal");
}

static void
slots_have_a_file_of_their_own(void **state)
{
	struct rig *r = *state;
	char words[256], shown[256];
	char *path = make_file("8192\n");

	(void)snprintf(words, sizeof(words),
	    "packets 3 slot distribution '%s' 5ms 1ms", path);
	(void)snprintf(shown, sizeof(shown),
	    "slot distribution \"%s\" 5ms 1ms packets 3", path);
	set(r->a, words);
	assert_link(r->a, shown);
	set(r->a, shown);
	assert_link(r->a, shown);
	(void)unlink(path);
	set(r->a, "bytes 0"); /* names it not: nothing is read */
	assert_link(r->a, shown);
	assert_int_equal(epair_if_set_link(r->a, shown, NULL), -ENOENT);
	set(r->a, "slot 1ms 2ms");
	assert_link(r->a, "slot 1ms 2ms packets 3");
	set(r->a, "slot distribution pareto 5ms 1ms packets 0");
	assert_link(r->a, "slot distribution pareto 5ms 1ms");
}

static void
files_are_named_whatever_the_link_is(void **state)
{
	static const struct {
		const char *words, *names[3];
	} t[] = {
		{ "delay 1ms", { NULL } },
		{ "trace a trace off", { NULL } },
		{ "trace a none", { NULL } },
		{ "trace a distribution normal", { "trace" } },
		/* No link by itself. */
		{ "reorder 1% distribution ./a", { "table" } },
		{ "trace a rate 1mbit", { "trace" } },
		{ "slot distribution ./a 0ms 0ms", { "slots" } },
		{ "trace a distribution ./b slot distribution c/ 1ms 1ms",
		    { "table", "slots", "trace" } },
	};
	const char *names[EPAIR_LINK_FDS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int count = 0;

		while (count < 3 && t[i].names[count] != NULL)
			count++;
		assert_int_equal(
		    epair_link_needs(t[i].words, names, 3, NULL), count);
		for (int k = 0; k < count; k++)
			assert_string_equal(names[k], t[i].names[k]);
		if (count > 0)
			assert_int_equal(epair_link_needs(t[i].words, names,
					     (unsigned)count - 1, NULL),
			    -ENOSPC);
	}
	assert_int_equal(epair_link_needs("trace", names, 3, NULL), -EINVAL);
	assert_int_equal(epair_link_needs("", names, 3, NULL), -EINVAL);
}

static void
all_that_can_be_handed_over_have_their_names(void **state)
{
	static const char all[] = "trace a distribution ./b "
				  "slot distribution c/ 1ms 1ms";
	const char *names[EPAIR_LINK_FDS_MAX];

	(void)state;
	assert_int_equal(epair_link_needs(all, names, EPAIR_LINK_FDS_MAX, NULL),
	    EPAIR_LINK_FDS_MAX);
	for (unsigned i = 0; i < EPAIR_LINK_FDS_MAX; i++)
		assert_string_equal(epair_link_fd_at(i), names[i]);
	assert_null(epair_link_fd_at(EPAIR_LINK_FDS_MAX));
}

static void
format_is_what_setting_would_show(void **state)
{
	char text[EPAIR_LINK_TEXT_MAX];

	(void)state;
	assert_true(epair_link_format("loss 1% delay 1000us trace /no/such",
			text, sizeof(text), NULL) > 0);
	assert_string_equal(text, "delay 1ms loss random 1% trace /no/such");
	assert_int_equal(
	    epair_link_format("reorder 1%", text, sizeof(text), NULL), -EINVAL);
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The words may mean another file by then, or none. */
static void
handed_files_are_read_kept_and_handed_on(void **state)
{
	struct rig *r = *state;
	struct epair_fd fds[3], more[3];
	char words[256], *path = make_file("5\n10\n");
	int before = count_fds(), n;

	(void)snprintf(words, sizeof(words),
	    "delay 1ms 1ms distribution \"%s\" trace \"%s\"", path, path);
	n = epair_link_open(words, fds, 3, NULL);
	assert_int_equal(n, 2);
	assert_int_equal(epair_link_open(words, more, 1, NULL), -ENOSPC);
	assert_int_equal(lseek(fds[0].fd, 2, SEEK_SET), 2);
	(void)unlink(path);
	assert_int_equal(
	    epair_if_set_link_fds(r->a, words, fds, 1, NULL), -ENOENT);
	assert_int_equal(epair_if_get_link_fds(r->a, more, 3), 0);
	assert_int_equal(epair_if_set_link_fds(r->a, words, fds, 2, NULL), 0);
	assert_link(r->a, words);
	assert_int_equal(lseek(fds[0].fd, 0, SEEK_CUR), 2);
	(void)close(fds[0].fd);
	(void)close(fds[1].fd);

	/* On to another, as a program that begins anew has it. */
	assert_int_equal(epair_if_get_link_fds(r->a, more, 1), -ENOSPC);
	assert_int_equal(epair_if_get_link_fds(r->a, more, 3), 2);
	assert_string_equal(more[0].name, "table");
	assert_string_equal(more[1].name, "trace");
	assert_int_equal(epair_if_set_link_fds(r->b, words, more, 2, NULL), 0);
	(void)close(more[0].fd);
	(void)close(more[1].fd);
	set(r->a, "none");
	set(r->b, "distribution normal");
	assert_int_equal(epair_if_get_link_fds(r->b, more, 3), 1);
	assert_string_equal(more[0].name, "trace");
	(void)close(more[0].fd);
	set(r->b, "trace off");
	assert_int_equal(epair_if_get_link_fds(r->b, more, 3), 0);
	assert_int_equal(count_fds(), before);
}

static void
descriptor_that_is_not_asked_for_or_no_file_is_refused(void **state)
{
	struct rig *r = *state;
	struct epair_fd fd = { "trace", open("/", O_RDONLY | O_CLOEXEC) };
	struct epair_err err = { .text = "" };
	int before = count_fds();

	assert_int_equal(
	    epair_if_set_link_fds(r->a, "trace x", &fd, 1, NULL), -EINVAL);
	assert_int_equal(
	    epair_if_set_link_fds(r->a, "delay 1ms", &fd, 1, NULL), -EINVAL);
	(void)close(fd.fd);
	/* Twice as long as may be handed over, and not too long to be opened. */
	fd.fd = memfd_create("trace", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd.fd, 8 << 20), 0);
	assert_int_equal(
	    epair_if_set_link_fds(r->a, "trace x", &fd, 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "x: has more than 4096 KiB"));
	fd.name = "queue";
	assert_int_equal(
	    epair_if_set_link_fds(r->a, "trace x", &fd, 1, NULL), -EINVAL);
	assert_link(r->a, "none");
	assert_int_equal(count_fds(), before);
	(void)close(fd.fd);
}

static void
wrong_file_is_named_with_its_line(void **state)
{
	static const char *const wrong[][3] = {
		{ "distribution", "1 2\n3 x\n", ", line 2: must be whole" },
		{ "distribution", "32768", ", line 1: must be whole" },
		{ "distribution", "# nothing", "has no numbers" },
		{ "slot distribution", "1\n\nx\n", ", line 3: must be" },
		{ "trace", "1\n3\n2\n", ", line 3: 2 is before" },
		{ "trace", "1\n-3\n", ", line 2: must be a whole" },
		{ "trace", "1\n# 3\n", ", line 2: must be a whole" },
		{ "trace", "", "needs a line with a time after 0" },
		{ "trace", "0\n0\n", "needs a line with a time after 0" },
	};
	struct rig *r = *state;

	set(r->a, "delay 7ms");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct epair_err err = { .text = "" };
		char words[256], *path = make_file(wrong[i][1]);

		(void)snprintf(words, sizeof(words), "%s '%s'%s", wrong[i][0],
		    path,
		    strncmp(wrong[i][0], "slot", 4) == 0 ? " 1ms 1ms" : "");
		assert_int_equal(epair_if_set_link(r->a, words, &err), -EINVAL);
		(void)unlink(path);
		assert_non_null(strstr(err.text, wrong[i][2]));
	}
	assert_link(r->a, "delay 7ms");
}

static void
file_that_is_not_there_is_named(void **state)
{
	struct rig *r = *state;
	struct epair_err err = { .text = "" };

	assert_int_equal(
	    epair_if_set_link(r->a, "trace /no/such", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/no/such: No such file"));
	assert_int_equal(
	    epair_if_set_link(r->a, "distribution ./no/such", &err), -ENOENT);
	assert_non_null(strstr(err.text, "./no/such: No such file"));
	assert_link(r->a, "none");
}

static void
trace_and_rate_exclude_each_other(void **state)
{
	struct rig *r = *state;
	char words[256], *path = make_file("1\n");

	set(r->a, "rate 1mbit");
	(void)snprintf(words, sizeof(words), "trace '%s'", path);
	assert_int_equal(epair_if_set_link(r->a, words, NULL), -EINVAL);
	set(r->a, "rate 0");
	set(r->a, words);
	(void)unlink(path);
	assert_int_equal(epair_if_set_link(r->a, "rate 1mbit", NULL), -EINVAL);
	set(r->a, "trace off rate 1mbit");
	assert_link(r->a, "rate 1mbit");
}

static const struct CMUnitTest tests[] = {
	RIG_TEST(words_are_shown_back),
	RIG_TEST(what_is_not_named_stays),
	RIG_TEST(wrong_word_is_named_and_changes_nothing),
	RIG_TEST(destroyed_interface_has_no_link),
	RIG_TEST(words_are_netems_and_more),
	RIG_TEST(file_is_named_in_quotes_and_read_when_it_is_named),
	RIG_TEST(slots_have_a_file_of_their_own),
	RIG_TEST(files_are_named_whatever_the_link_is),
	RIG_TEST(all_that_can_be_handed_over_have_their_names),
	RIG_TEST(format_is_what_setting_would_show),
	RIG_TEST(handed_files_are_read_kept_and_handed_on),
	RIG_TEST(descriptor_that_is_not_asked_for_or_no_file_is_refused),
	RIG_TEST(wrong_file_is_named_with_its_line),
	RIG_TEST(file_that_is_not_there_is_named),
	RIG_TEST(trace_and_rate_exclude_each_other),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
