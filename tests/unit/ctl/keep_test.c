/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that outlive whoever had them: the keeper's process, and a socket
 * that plays systemd.
 */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <epair/epair.h>

#include "ctl/keep.h"
#include "ctl/keep_protocol.h"
#include "ctl/local.h"
#include "ctl/wire.h"

static struct epair_err err;
static char folder[64];

static struct epair *ep; /* whose opener starts keepers */

static int
set_up(void **unused)
{
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_LOOP };

	(void)unused;
	if (epair_new(&opts, &ep, &err) != 0)
		return -1;
	(void)snprintf(folder, sizeof(folder), "/tmp/epair-keep-XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
tear_down(void **unused)
{
	char path[128];

	(void)unused;
	(void)ctl_keep_end_process(folder, NULL);
	(void)epair_free(ep);
	(void)snprintf(path, sizeof(path), "%s/" CTL_KEEPER_SOCKET, folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/notify", folder);
	(void)unlink(path);
	return rmdir(folder);
}

#define KEEP_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static struct ctl_keep *
begin(void)
{
	struct ctl_keep *keep = NULL;

	int error = ctl_keep_process(folder, ep, &keep, &err);

	/* A package's library looks for the programs where they will be. */
	if (error == -ENOENT) {
		print_message("%s\n", err.text);
		skip();
	}
	if (error != 0)
		fail_msg("%s", err.text);
	return keep;
}

/* A pipe with text in it, as the thing that is to be kept. */
static struct ctl_kept
make(const char *token, const char *text)
{
	struct ctl_kept kept = { .count = 2 };
	int ends[2];

	(void)snprintf(kept.token, sizeof(kept.token), "%s", token);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(
	    write(ends[1], text, strlen(text) + 1), strlen(text) + 1);
	kept.fds[0] = (struct epair_fd){ "queue", ends[0] };
	kept.fds[1] = (struct epair_fd){ "netns", ends[1] };
	return kept;
}

static void
put(struct ctl_keep *keep, const char *token, const char *text)
{
	struct ctl_kept kept = make(token, text);

	if (keep->ops->put(keep, &kept, &err) != 0)
		fail_msg("%s", err.text);
	ctl_kept_close(&kept);
}

/* What was fetched, as "TOKEN=TEXT " sorted as it came. */
static char fetched[256];

static void
got(void *arg, struct ctl_kept *kept)
{
	size_t len = strlen(fetched);
	char text[32] = "";

	(void)arg;
	assert_int_equal(kept->count, 2);
	assert_string_equal(kept->fds[0].name, "queue");
	assert_string_equal(kept->fds[1].name, "netns");
	assert_true(read(kept->fds[0].fd, text, sizeof(text) - 1) >= 0);
	/* It is to be found again by the next. */
	assert_int_equal(
	    write(kept->fds[1].fd, text, strlen(text) + 1), strlen(text) + 1);
	(void)snprintf(
	    fetched + len, sizeof(fetched) - len, "%s=%s ", kept->token, text);
	ctl_kept_close(kept);
}

static const char *
fetch(struct ctl_keep *keep)
{
	fetched[0] = '\0';
	if (keep->ops->fetch(keep, got, NULL, &err) != 0)
		fail_msg("%s", err.text);
	return fetched;
}

static void
what_was_put_is_there_for_the_next_and_what_was_dropped_is_not(void **unused)
{
	const struct ctl_kept two = { .token = "two" };
	struct ctl_keep *keep = begin();

	(void)unused;
	put(keep, "one", "first");
	put(keep, "two", "second");
	keep->ops->drop(keep, &two);
	keep->ops->close(keep);
	keep = begin();
	assert_string_equal(fetch(keep), "one=first ");
	put(keep, "one", "other");
	keep->ops->close(keep);
	keep = begin();
	assert_string_equal(fetch(keep), "one=other ");
	keep->ops->close(keep);
}

static void
what_a_killed_process_put_is_there(void **unused)
{
	struct ctl_keep *keep;
	int status;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		put(begin(), "one", "kept");
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	keep = begin();
	assert_string_equal(fetch(keep), "one=kept ");
	keep->ops->close(keep);
}

static void
many_tokens_are_kept_and_given(void **unused)
{
	struct ctl_kept kept = make("0", "x");
	struct ctl_keep *keep = begin();

	(void)unused;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(kept.token, sizeof(kept.token), "%d", i);
		assert_int_equal(keep->ops->put(keep, &kept, &err), 0);
	}
	ctl_kept_close(&kept);
	for (int i = 0; i < 199; i++) {
		(void)snprintf(kept.token, sizeof(kept.token), "%d", i);
		keep->ops->drop(keep, &kept);
	}
	assert_string_equal(fetch(keep), "199=x ");
	keep->ops->close(keep);
}

/* Nobody answers at its socket, where it ends by itself when it has seen us. */
static bool
is_gone(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool is_refused;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "%s/" CTL_KEEPER_SOCKET, folder);
	is_refused = connect(sock, (struct sockaddr *)&sun, sizeof(sun)) != 0;
	(void)close(sock);
	return is_refused;
}

static void
keeper_that_holds_nothing_ends_with_its_last_client(void **unused)
{
	struct ctl_keep *keep = begin();

	(void)unused;
	put(keep, "one", "x");
	keep->ops->forget(keep);
	keep->ops->close(keep);
	for (unsigned i = 0; i < 1000 && !is_gone(); i++)
		(void)usleep(10000);
	assert_int_equal(ctl_keep_end_process(folder, &err), -ENOENT);
	/* And the next begins with another. */
	keep = begin();
	assert_string_equal(fetch(keep), "");
	keep->ops->close(keep);
}

static void
nonsense_is_refused_and_hurts_nobody(void **unused)
{
	struct ctl_keeper_message msg = { .version = CTL_KEEPER_VERSION };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ctl_keep *keep = begin();
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)unused;
	put(keep, "one", "kept");
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "%s/" CTL_KEEPER_SOCKET, folder);
	assert_int_equal(
	    connect(sock, (struct sockaddr *)&sun, sizeof(sun)), 0);
	for (unsigned i = 0; i < 5; i++) {
		size_t len = i == 0 ? 3 : sizeof(msg);
		int fds[2] = { 0, 1 };

		msg.version = CTL_KEEPER_VERSION + (i == 1);
		msg.op = i == 2 ? 99 : CTL_KEEPER_PUT;
		msg.count = i == 3 ? UINT32_MAX : 1;
		memset(msg.token, 'x', sizeof(msg.token));
		assert_true(ctl_wire_send(sock, (const char *)&msg, len, fds,
				i == 4 ? 2 : 0) > 0);
		assert_int_equal(recv(sock, &msg, sizeof(msg), 0), sizeof(msg));
		assert_int_equal(msg.op, CTL_KEEPER_BAD);
		/* Which question it answers, if it could be read. */
		assert_int_equal(strlen(msg.token), i == 0 ? 0 : 23);
	}
	(void)close(sock);
	assert_string_equal(fetch(keep), "one=kept ");
	keep->ops->close(keep);
}

static void
patience(const struct ctl_keep *keep, long ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	assert_int_equal(
	    setsockopt(keep->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
}

static bool
is_asked(int sock, uint32_t op, const char *token)
{
	struct ctl_keeper_message msg;
	int fds[CTL_KEEP_FDS_MAX];
	unsigned count = 0;
	ssize_t n = ctl_wire_recv(
	    sock, (char *)&msg, sizeof(msg), fds, CTL_KEEP_FDS_MAX, &count);

	ctl_wire_close(fds, &count);
	return n == (ssize_t)sizeof(msg) && msg.op == op &&
	       strcmp(msg.token, token) == 0;
}

static bool
answers(int sock, uint32_t op, const char *token)
{
	struct ctl_keeper_message msg = { .version = CTL_KEEPER_VERSION,
		.op = op };

	(void)snprintf(msg.token, sizeof(msg.token), "%s", token);
	return send(sock, &msg, sizeof(msg), 0) == (ssize_t)sizeof(msg);
}

/* It answers what it was asked first when it is asked for the second. */
static bool
plays_slow_keeper(int sock)
{
	return is_asked(sock, CTL_KEEPER_PUT, "one") &&
	       is_asked(sock, CTL_KEEPER_DROP, "one") &&
	       is_asked(sock, CTL_KEEPER_PUT, "two") &&
	       answers(sock, CTL_KEEPER_OK, "one") &&
	       answers(sock, CTL_KEEPER_OK, "one") &&
	       answers(sock, CTL_KEEPER_BAD, "two") &&
	       is_asked(sock, CTL_KEEPER_DROP, "two") &&
	       is_asked(sock, CTL_KEEPER_PUT, "three") &&
	       answers(sock, CTL_KEEPER_OK, "two") &&
	       answers(sock, CTL_KEEPER_OK, "three");
}

static void
late_answer_is_not_that_of_the_next_and_what_is_in_doubt_is_dropped(
    void **unused)
{
	int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), status;
	int listener = ctl_local_listen(at, CTL_KEEPER_SOCKET);
	struct ctl_kept kept = make("one", "x");
	struct ctl_keep *keep = begin();
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		(void)close(keep->fd); /* it ends when we do */
		_exit(!plays_slow_keeper(ctl_local_accept(listener)));
	}
	(void)close(listener);
	patience(keep, 1);
	assert_int_equal(keep->ops->put(keep, &kept, &err), -ETIMEDOUT);
	patience(keep, CTL_LOCAL_TIMEOUT_MS);
	strcpy(kept.token, "two");
	assert_int_equal(keep->ops->put(keep, &kept, &err), -EPROTO);
	strcpy(kept.token, "three");
	assert_int_equal(keep->ops->put(keep, &kept, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	keep->ops->close(keep);
	ctl_kept_close(&kept);
	(void)close(at);
}

/* A socket that plays systemd: it takes FDSTORE, FDSTOREREMOVE and BARRIER. */
struct systemd {
	int sock;
	struct {
		char name[64];
		int fd;
	} store[16];
	unsigned count;
};

static void
systemd_take(struct systemd *sd, char *text, int fd)
{
	char *name = strstr(text, "FDNAME="), *line = strchr(text, '\n');

	if (strncmp(text, "FDSTORE=1", 9) == 0) {
		assert_non_null(strstr(text, "\nFDPOLL=0\n"));
		(void)snprintf(sd->store[sd->count].name, 64, "%s", name + 7);
		sd->store[sd->count++].fd = fd;
		return;
	}
	if (fd >= 0)
		(void)close(fd); /* BARRIER */
	if (strncmp(text, "FDSTOREREMOVE=1", 15) != 0)
		return;
	assert_non_null(line);
	for (unsigned i = 0; i < sd->count; i++)
		if (strcmp(sd->store[i].name, name + 7) == 0) {
			(void)close(sd->store[i].fd);
			sd->store[i] = sd->store[--sd->count];
			return;
		}
	fail_msg("no %s in the store", name);
}

static void
systemd_run(struct systemd *sd)
{
	char text[256] = "";
	int fd = -1;
	unsigned fds = 0;

	while (recv(sd->sock, text, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		ssize_t n = ctl_wire_recv(
		    sd->sock, text, sizeof(text) - 1, &fd, 1, &fds);

		assert_true(n > 0);
		text[n] = '\0';
		systemd_take(sd, text, fds > 0 ? fd : -1);
		fds = 0;
	}
}

static void
stores_of_systemd_get_names_and_give_them_back(void **unused)
{
	struct systemd sd = { .sock = socket(
				  AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ctl_kept kept = make("tok", "text");
	struct ctl_keep *keep;
	pid_t pid;
	int status;

	(void)unused;
	assert_int_equal(ctl_keep_systemd(&keep, &err), -ENOENT);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", folder);
	assert_int_equal(
	    bind(sd.sock, (struct sockaddr *)&sun, sizeof(sun)), 0);
	(void)setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	assert_int_equal(ctl_keep_systemd(&keep, &err), 0);
	/* put waits until it has been taken: somebody else must take it. */
	pid = fork();
	if (pid == 0)
		_exit(keep->ops->put(keep, &kept, &err) != 0);
	while (waitpid(pid, &status, WNOHANG) == 0)
		systemd_run(&sd);
	assert_int_equal(status, 0);
	assert_int_equal(sd.count, 2);
	assert_string_equal(sd.store[0].name, "epair.tok.0.queue");
	assert_string_equal(sd.store[1].name, "epair.tok.1.netns");

	/* Another process of the unit, begun with them and a socket. */
	pid = fork();
	if (pid == 0) {
		(void)dup2(sd.store[1].fd, 103);
		(void)dup2(sd.store[0].fd, 105);
		for (int fd = 3; fd <= 5; fd++)
			(void)dup2(fd + 100, fd);
		(void)setenv("LISTEN_FDS", "3", 1);
		(void)setenv("LISTEN_FDNAMES",
		    "epair.tok.1.netns:epaird.socket:epair.tok.0.queue", 1);
		_exit(strcmp(fetch(keep), "tok=text ") != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	keep->ops->drop(keep, &kept);
	systemd_run(&sd);
	assert_int_equal(sd.count, 0);
	keep->ops->close(keep);
	ctl_kept_close(&kept);
	(void)close(sd.sock);
	(void)unsetenv("NOTIFY_SOCKET");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEEP_TEST(
		    what_was_put_is_there_for_the_next_and_what_was_dropped_is_not),
		KEEP_TEST(what_a_killed_process_put_is_there),
		KEEP_TEST(many_tokens_are_kept_and_given),
		KEEP_TEST(keeper_that_holds_nothing_ends_with_its_last_client),
		KEEP_TEST(nonsense_is_refused_and_hurts_nobody),
		KEEP_TEST(
		    late_answer_is_not_that_of_the_next_and_what_is_in_doubt_is_dropped),
		KEEP_TEST(stores_of_systemd_get_names_and_give_them_back),
	};

	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
