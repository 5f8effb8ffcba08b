/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/journal.h"

/*
 * A disk that fails: the calls of the journal in this program are ours. The
 * next so many of each fail.
 */
static struct {
	int fdatasync, fsync, ftruncate, renameat;
	bool folders; /* fsync only of these */
} failing;

static bool
fails(int *left)
{
	if (*left == 0)
		return false;
	--*left;
	errno = EIO;
	return true;
}

int
fdatasync(int fd)
{
	return fails(&failing.fdatasync) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	struct stat st;
	bool is_spared = failing.folders && fstat(fd, &st) == 0 &&
			 !S_ISDIR(st.st_mode);

	return !is_spared && fails(&failing.fsync)
		   ? -1
		   : (int)syscall(SYS_fsync, fd);
}

int
ftruncate(int fd, off_t size)
{
	return fails(&failing.ftruncate)
		   ? -1
		   : (int)syscall(SYS_ftruncate, fd, size);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	return fails(&failing.renameat)
		   ? -1
		   : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

static struct epair_err err;
static char folder[64], state[80];

static int
set_up(void **unused)
{
	(void)unused;
	memset(&failing, 0, sizeof(failing));
	(void)snprintf(folder, sizeof(folder), "%s/epair-journal-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(state, sizeof(state), "%s/state", folder);
	return 0;
}

static int
tear_down(void **unused)
{
	static const char *const names[] = { "state", "state.new", "lock" };
	char path[128];

	(void)unused;
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

#define JOURNAL_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static struct ctl_journal *
begin(void)
{
	struct ctl_journal *j = NULL;

	if (ctl_journal_open(folder, -1, &j, &err) != 0)
		fail_msg("%s", err.text);
	return j;
}

static void
set(struct ctl_journal *j, const char *key, const char *text)
{
	ctl_journal_set(j, key, text);
	assert_int_equal(ctl_journal_commit(j, &err), 0);
}

static off_t
size(void)
{
	struct stat st;

	assert_int_equal(stat(state, &st), 0);
	return st.st_size;
}

/* All of it as "key=text ", in order; valid until the next call. */
static const char *
all(const struct ctl_journal *j)
{
	static char text[4096];
	const char *key;
	json_t *value;
	size_t len = 0;

	text[0] = '\0';
	json_object_foreach(ctl_journal_all(j), key, value)
	    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s=%s ",
		key, json_string_value(value));
	return text;
}

/* What somebody finds who opens it now. */
static void
assert_on_disk(const char *should)
{
	struct ctl_journal *j = begin();

	assert_string_equal(all(j), should);
	ctl_journal_close(j);
}

static void
what_was_committed_is_there_again_in_its_order(void **unused)
{
	struct ctl_journal *j = begin();

	(void)unused;
	set(j, "pair/vnet0/1", "{\"a\": 1}");
	set(j, "pair/vnet0/0", "{}");
	set(j, "vnet/red", "{}");
	set(j, "pair/vnet0/1", "{\"a\": 2}");
	ctl_journal_del(j, "pair/vnet0/0");
	ctl_journal_set(j, "vnet/blue", "");
	assert_int_equal(ctl_journal_commit(j, &err), 0);
	assert_string_equal(ctl_journal_get(j, "vnet/blue"), "");
	assert_null(ctl_journal_get(j, "pair/vnet0/0"));
	ctl_journal_close(j);
	assert_on_disk("pair/vnet0/1={\"a\": 2} vnet/red={} vnet/blue= ");
}

static void
what_was_not_committed_has_not_happened(void **unused)
{
	struct ctl_journal *j = begin();

	(void)unused;
	set(j, "a", "1");
	ctl_journal_set(j, "a", "2");
	ctl_journal_del(j, "b");
	ctl_journal_abandon(j);
	assert_int_equal(ctl_journal_commit(j, &err), 0);
	ctl_journal_set(j, "c", "3");
	assert_string_equal(all(j), "a=1 ");
	ctl_journal_close(j);
	assert_on_disk("a=1 ");
}

static void
second_daemon_is_refused_and_told_who_has_it(void **unused)
{
	struct ctl_journal *j = begin(), *other;
	char who[32];

	(void)unused;
	assert_int_equal(ctl_journal_open(folder, -1, &other, &err), -EBUSY);
	(void)snprintf(who, sizeof(who), "by process %d", (int)getpid());
	assert_non_null(strstr(err.text, who));
	ctl_journal_close(j);
	ctl_journal_close(begin());
}

static void
lock_can_be_handed_over(void **unused)
{
	struct ctl_journal *j = begin(), *heir, *other;
	int lock;

	(void)unused;
	set(j, "a", "1");
	lock = fcntl(ctl_journal_lock(j), F_DUPFD_CLOEXEC, 0);
	ctl_journal_close(j);
	assert_int_equal(ctl_journal_open(folder, -1, &other, &err), -EBUSY);
	assert_int_equal(ctl_journal_open(folder, lock, &heir, &err), 0);
	assert_string_equal(all(heir), "a=1 ");
	ctl_journal_close(heir);
	ctl_journal_close(begin());
}

/* Who handed the lock over may go on with it. */
static void
one_that_was_handed_over_is_not_mended_before_it_is_written(void **unused)
{
	struct ctl_journal *j = begin(), *heir;
	int lock = fcntl(ctl_journal_lock(j), F_DUPFD_CLOEXEC, 0);
	off_t torn;

	(void)unused;
	set(j, "a", "1");
	set(j, "b", "2");
	torn = size() - 1;
	assert_int_equal(truncate(state, torn), 0);
	assert_int_equal(ctl_journal_open(folder, lock, &heir, &err), 0);
	assert_string_equal(all(heir), "a=1 ");
	assert_int_equal(size(), torn);
	ctl_journal_close(j);
	set(heir, "c", "3");
	ctl_journal_close(heir);
	assert_on_disk("a=1 c=3 ");
}

/* Wherever the last change is torn, all before it is there and it is not. */
static void
torn_change_has_not_happened(void **unused)
{
	struct ctl_journal *j = begin();
	off_t before, after;

	(void)unused;
	set(j, "a", "1");
	before = size();
	ctl_journal_set(j, "a", "2");
	ctl_journal_set(j, "b", "3");
	assert_int_equal(ctl_journal_commit(j, &err), 0);
	after = size();
	ctl_journal_close(j);
	assert_on_disk("a=2 b=3 ");
	for (off_t at = after - 1; at >= before; at--) {
		assert_int_equal(truncate(state, at), 0);
		assert_on_disk("a=1 ");
		assert_int_equal(size(), before);
		/* And it goes on from there. */
		j = begin();
		ctl_journal_set(j, "a", "2");
		ctl_journal_set(j, "b", "3");
		assert_int_equal(ctl_journal_commit(j, &err), 0);
		ctl_journal_close(j);
		assert_int_equal(size(), after);
	}
}

static void
octets_that_a_crash_left_behind_the_end_are_cut_off(void **unused)
{
	static const char zeros[5000];
	struct ctl_journal *j = begin();
	int fd;

	(void)unused;
	set(j, "a", "1");
	ctl_journal_close(j);
	fd = open(state, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(write(fd, "\n\nab\n", 5), 5);
	(void)close(fd);
	assert_on_disk("a=1 ");
	assert_true(size() < 100);
}

static void
damaged_line_is_refused_by_its_number_and_left_as_it_is(void **unused)
{
	struct ctl_journal *j = begin();
	off_t was;
	int fd;

	(void)unused;
	set(j, "a", "1");
	set(j, "b", "2");
	ctl_journal_close(j);
	was = size();
	fd = open(state, O_WRONLY);
	/* Line 2, behind "epair-state 1\n", is that of a. */
	assert_int_equal(pwrite(fd, "x", 1, 14 + 12), 1);
	(void)close(fd);
	assert_int_equal(ctl_journal_open(folder, -1, &j, &err), -EINVAL);
	assert_non_null(strstr(err.text, "/state: line 2 is damaged"));
	assert_int_equal(size(), was);
}

static void
file_of_somebody_else_is_refused(void **unused)
{
	struct ctl_journal *j;
	int fd = open(state, O_WRONLY | O_CREAT, 0600);

	(void)unused;
	assert_int_equal(write(fd, "hello\n", 6), 6);
	(void)close(fd);
	assert_int_equal(ctl_journal_open(folder, -1, &j, &err), -EINVAL);
	assert_non_null(strstr(err.text, "does not begin with"));
	assert_int_equal(truncate(state, 0), 0);
	assert_int_equal(ctl_journal_open(folder, -1, &j, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is empty"));
}

static void
what_is_no_key_or_text_fails_the_change(void **unused)
{
	static const char *const keys[] = {
		"", "a b", "a\nb",
		"0123456789012345678901234567890123456789012345678901234567890123"
	};
	struct ctl_journal *j = begin();
	char *text = calloc(1, CTL_JOURNAL_TEXT_MAX + 2);

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		ctl_journal_set(j, "good", "1");
		ctl_journal_set(j, keys[i], "1");
		assert_int_equal(ctl_journal_commit(j, &err), -EINVAL);
	}
	ctl_journal_set(j, "a", "two\nlines");
	assert_int_equal(ctl_journal_commit(j, &err), -EINVAL);
	memset(text, 'x', CTL_JOURNAL_TEXT_MAX + 1);
	ctl_journal_set(j, "a", text);
	assert_int_equal(ctl_journal_commit(j, &err), -EINVAL);
	text[CTL_JOURNAL_TEXT_MAX] = '\0';
	set(j, "a", text);
	ctl_journal_del(j, "a");
	assert_int_equal(ctl_journal_commit(j, &err), 0);
	assert_string_equal(all(j), "");
	ctl_journal_close(j);
	free(text);
}

/* A file that may not grow is a full disk. */
static void
full_disk_refuses_the_change_and_keeps_the_rest(void **unused)
{
	struct rlimit was, now;
	struct ctl_journal *j = begin();
	off_t before;

	(void)unused;
	set(j, "a", "1");
	set(j, "b", "2");
	before = size();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = was;
	(void)signal(SIGXFSZ, SIG_IGN);
	for (rlim_t room = 0; room < 60; room += 17) {
		now.rlim_cur = (rlim_t)before + room;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		ctl_journal_set(j, "a", "a text that is longer than there is");
		ctl_journal_set(j, "c", "3");
		ctl_journal_del(j, "b");
		assert_int_not_equal(ctl_journal_commit(j, &err), 0);
		assert_non_null(strstr(err.text, "cannot write the state in"));
		assert_string_equal(all(j), "a=1 b=2 ");
		assert_int_equal(size(), before);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	set(j, "c", "3");
	ctl_journal_close(j);
	assert_on_disk("a=1 b=2 c=3 ");
}

static void
change_among_many_appends_only_itself(void **unused)
{
	struct ctl_journal *j = begin();
	char key[32];
	off_t before;

	(void)unused;
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(key, sizeof(key), "pair/vnet0/%d", i);
		ctl_journal_set(j, key, "{\"mtu\": 1500}");
	}
	assert_int_equal(ctl_journal_commit(j, &err), 0);
	before = size();
	set(j, "pair/vnet0/77", "{\"mtu\": 9000}");
	assert_true(size() - before < 100);
	ctl_journal_close(j);
	j = begin();
	assert_string_equal(
	    ctl_journal_get(j, "pair/vnet0/77"), "{\"mtu\": 9000}");
	assert_int_equal(json_object_size(ctl_journal_all(j)), 10000);
	ctl_journal_close(j);
}

static void
file_that_is_mostly_history_is_written_anew(void **unused)
{
	struct ctl_journal *j = begin();
	static char text[40000];
	off_t largest = 0;

	(void)unused;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	set(j, "first", "1");
	for (int i = 0; i < 12; i++) {
		text[0] = (char)('a' + i % 26);
		set(j, "long", text);
		if (size() > largest)
			largest = size();
	}
	set(j, "last", "2");
	assert_true(largest < 320 << 10);
	assert_true(largest > 200 << 10);
	ctl_journal_close(j);
	j = begin();
	assert_string_equal(ctl_journal_get(j, "long"), text);
	assert_string_equal(ctl_journal_get(j, "first"), "1");
	assert_string_equal(ctl_journal_get(j, "last"), "2");
	ctl_journal_close(j);
}

/* Make it refuse a change, which has not happened. */
static void
refused(struct ctl_journal *j, const char *is)
{
	ctl_journal_set(j, "a", "2");
	ctl_journal_set(j, "b", "2");
	assert_int_equal(ctl_journal_commit(j, &err), -EIO);
	assert_non_null(strstr(err.text, "cannot write the state in"));
	assert_non_null(strstr(err.text, "Input/output error"));
	assert_string_equal(all(j), is);
}

static void
change_that_does_not_reach_the_disk_is_refused_and_has_not_happened(
    void **unused)
{
	struct ctl_journal *j = begin();
	off_t before;

	(void)unused;
	set(j, "a", "1");
	before = size();
	failing.fdatasync = 1;
	refused(j, "a=1 ");
	assert_int_equal(size(), before);
	set(j, "c", "3");
	ctl_journal_close(j);
	assert_on_disk("a=1 c=3 ");
}

static void
what_cannot_be_taken_back_is_written_anew_before_the_next_change(void **unused)
{
	struct ctl_journal *j = begin();

	(void)unused;
	set(j, "a", "1");
	failing.fdatasync = 1;
	failing.ftruncate = 1;
	refused(j, "a=1 ");
	/* The disk has not come back. */
	failing.fsync = 1;
	assert_int_equal(ctl_journal_reserve(j, 100, &err), -EIO);
	failing.renameat = 1;
	refused(j, "a=1 ");
	/* Whether the new name lasts is not told. */
	failing.fsync = 1;
	failing.folders = true;
	refused(j, "a=1 ");
	failing.folders = false;
	set(j, "c", "3");
	ctl_journal_close(j);
	assert_on_disk("a=1 c=3 ");
}

/* Set what makes most of the file history, so that it is written anew. */
static void
write_anew(struct ctl_journal *j)
{
	static char text[40000];

	memset(text, 'x', sizeof(text) - 1);
	while (size() + (off_t)sizeof(text) <= 256 << 10)
		set(j, "long", text);
	set(j, "long", text);
}

static void
assert_but_for_long_on_disk(struct ctl_journal *j, const char *is)
{
	ctl_journal_close(j);
	j = begin();
	ctl_journal_del(j, "long");
	assert_int_equal(ctl_journal_commit(j, &err), 0);
	assert_string_equal(all(j), is);
	ctl_journal_close(j);
}

static void
file_that_cannot_be_written_anew_is_gone_on_with(void **unused)
{
	struct ctl_journal *j = begin();

	(void)unused;
	failing.renameat = 2;
	write_anew(j);
	assert_int_equal(failing.renameat, 1);
	set(j, "a", "1");
	assert_int_equal(failing.renameat, 0);
	assert_but_for_long_on_disk(j, "a=1 ");
}

/* Else what comes after is written into a file that nobody finds. */
static void
nothing_is_written_while_it_is_unknown_which_file_has_the_name(void **unused)
{
	struct ctl_journal *j = begin();

	(void)unused;
	set(j, "a", "1");
	failing.folders = true;
	failing.fsync = 1;
	write_anew(j);
	assert_int_equal(failing.fsync, 0);
	failing.fsync = 1;
	ctl_journal_set(j, "b", "2");
	assert_int_equal(ctl_journal_commit(j, &err), -EIO);
	assert_int_equal(failing.fsync, 0);
	set(j, "c", "3");
	assert_but_for_long_on_disk(j, "a=1 c=3 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(what_was_committed_is_there_again_in_its_order),
		JOURNAL_TEST(what_was_not_committed_has_not_happened),
		JOURNAL_TEST(second_daemon_is_refused_and_told_who_has_it),
		JOURNAL_TEST(lock_can_be_handed_over),
		JOURNAL_TEST(
		    one_that_was_handed_over_is_not_mended_before_it_is_written),
		JOURNAL_TEST(torn_change_has_not_happened),
		JOURNAL_TEST(
		    octets_that_a_crash_left_behind_the_end_are_cut_off),
		JOURNAL_TEST(
		    damaged_line_is_refused_by_its_number_and_left_as_it_is),
		JOURNAL_TEST(file_of_somebody_else_is_refused),
		JOURNAL_TEST(what_is_no_key_or_text_fails_the_change),
		JOURNAL_TEST(full_disk_refuses_the_change_and_keeps_the_rest),
		JOURNAL_TEST(change_among_many_appends_only_itself),
		JOURNAL_TEST(file_that_is_mostly_history_is_written_anew),
		JOURNAL_TEST(
		    change_that_does_not_reach_the_disk_is_refused_and_has_not_happened),
		JOURNAL_TEST(
		    what_cannot_be_taken_back_is_written_anew_before_the_next_change),
		JOURNAL_TEST(file_that_cannot_be_written_anew_is_gone_on_with),
		JOURNAL_TEST(
		    nothing_is_written_while_it_is_unknown_which_file_has_the_name),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
