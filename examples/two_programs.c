/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * two_programs.c - two programs, and a cable from the one to the other.
 *
 *	two_programs answer PATH            two_programs ask PATH
 *	   answer()                            main() asks and waits
 *	      |                                   |
 *	   epair0a ==== shared memory, memif === epair0a
 *
 * Built against the installed library:
 *
 *	cc two_programs.c $(pkg-config --cflags --libs libepair)
 *	./a.out answer /tmp/cable & ./a.out ask /tmp/cable
 *
 * What each program has is an interface like any other; who is behind it shows
 * in its link only. Either may end and come again. Without arguments it does all
 * of it by itself, and in the middle kills who answers: that is its test.
 */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming) */
#define _DEFAULT_SOURCE /* POSIX, too, if C is asked for */
#include <epair/epair.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUESTIONS  1000u
#define PATIENCE   20 /* ms that an answer may take */
#define GIVEN_UP   (30 * 1000 / PATIENCE)
#define FRAME_LEN  60
#define NUMBER_OFF 14 /* behind the Ethernet header */

static struct epair_err err;

static void
check(int error)
{
	if (error == 0)
		return;
	(void)fprintf(stderr, "%s: %s\n", epair_err_name(error), err.text);
	exit(1);
}

/* An instance, and in it the end of a cable that begins elsewhere. */
static struct epair_if *
open_end(struct epair **ep, const char *path, const char *role)
{
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_LOOP };
	struct epair_if *end;
	char where[128];

	(void)snprintf(where, sizeof(where), "path=%s,role=%s%s", path, role,
	    strcmp(role, "client") == 0 ? ",reconnect=10ms" : "");
	check(epair_new(&opts, ep, &err));
	check(epair_if_open(*ep, where, NULL, &end, &err));
	return end;
}

/* Whatever has happened by now, or does within `ms`. */
static void
turn(struct epair *ep, int ms)
{
	struct pollfd pfd = { .fd = epair_fd(ep, 0), .events = POLLIN };

	if (epair_dispatch(ep, 0, 0) == 0)
		(void)poll(&pfd, 1, ms);
	(void)epair_dispatch(ep, 0, 0);
}

/* Every frame goes back to where it came from. */
static void
answer(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)epair_if_transmit(ifp, ms, n);
}

/* Until it is killed. */
static void
answer_all(const char *path)
{
	struct epair_stack stack = { .size = sizeof(stack), .receive = answer };
	struct epair_if *end;
	struct epair *ep;

	end = open_end(&ep, path, "server");
	check(epair_attach_stack(end, &stack, NULL, &err));
	check(epair_if_up(end));
	for (;;)
		turn(ep, -1);
}

static void
send_question(struct epair *ep, struct epair_if *end, uint32_t number)
{
	unsigned char octets[FRAME_LEN] = { [12] = 0x88, 0xb5 };
	struct epair_mbuf *m;

	memset(octets, 0xff, 6);
	memcpy(octets + NUMBER_OFF, &number, sizeof(number));
	m = epair_mbuf_from(ep, octets, sizeof(octets));
	if (m != NULL)
		(void)epair_if_transmit(end, &m, 1);
}

static long
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Is it answered, in time? */
static int
has_answer(struct epair *ep, struct epair_if *end, uint32_t number)
{
	long until = now_ms() + PATIENCE, left;
	struct epair_mbuf *m;
	uint32_t got;

	while ((left = until - now_ms()) > 0) {
		turn(ep, (int)left);
		while (epair_if_recv(end, &m, 1) == 1) {
			(void)epair_mbuf_read(m, NUMBER_OFF, &got, sizeof(got));
			epair_mbuf_free(&m, 1);
			if (got == number)
				return 1;
		}
	}
	return 0;
}

static pid_t
start_answering(const char *path)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)execl(
	    "/proc/self/exe", "two_programs", "answer", path, (char *)NULL);
	_exit(127);
}

static void
stop_answering(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* Ask until each question is answered; kill *pid in the middle, if there is. */
static int
ask_all(const char *path, pid_t *pid)
{
	unsigned tries = 0, again = 0;
	struct epair_if *end;
	struct epair *ep;

	end = open_end(&ep, path, "client");
	check(epair_attach_pull(end, 0, &err));
	check(epair_if_up(end));
	for (uint32_t i = 0; i < QUESTIONS && tries < GIVEN_UP; i++) {
		if (pid != NULL && i == QUESTIONS / 2) {
			stop_answering(*pid);
			(void)unlink(path); /* it could not */
			*pid = start_answering(path);
		}
		for (tries = 0; tries < GIVEN_UP; tries++) {
			again += tries > 0;
			send_question(ep, end, i);
			if (has_answer(ep, end, i))
				break;
		}
	}
	printf("%u questions, %u of them asked again: %s\n", QUESTIONS, again,
	    tries < GIVEN_UP ? "all answered" : "given up");
	check(epair_if_destroy(end, &err));
	epair_if_put(end);
	check(epair_free(ep));
	return tries < GIVEN_UP ? 0 : 1;
}

static int
both(void)
{
	char folder[] = "/tmp/two_programs-XXXXXX", path[64];
	int status;
	pid_t pid;

	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/cable", folder);
	pid = start_answering(path);
	status = ask_all(path, &pid);
	stop_answering(pid);
	(void)unlink(path);
	(void)rmdir(folder);
	return status;
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		return both();
	if (argc == 3 && strcmp(argv[1], "answer") == 0)
		answer_all(argv[2]);
	if (argc == 3 && strcmp(argv[1], "ask") == 0)
		return ask_all(argv[2], NULL);
	(void)fprintf(stderr, "usage: %s [answer|ask PATH]\n", argv[0]);
	return 2;
}
