/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/agent.h - a network namespace of our own, and somebody in it.
 *
 * An agent is a child process that has made itself a namespace (in a user
 * namespace, for who may not do without) and does in it what it is asked: ping,
 * receive a TCP stream, send one. It does several things at once, each in a
 * process of its own, and answers over a socket. It dies with us, and the
 * namespace with it.
 *
 * Agents are to be started before any thread.
 */
#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct agent {
	pid_t pid; /* 0: there is none */
	int fd; /* its answers are read here */
	bool has_userns;
};

enum agent_op {
	AGENT_PING, /* count echo requests to `to` */
	AGENT_SERVE, /* listen, then receive one stream to its end */
	AGENT_SEND, /* send a stream to `to`, `port` */
};

struct agent_job {
	enum agent_op op;
	struct in_addr to;
	uint16_t port; /* SEND */
	uint64_t count; /* PING: requests; SEND: octets at most */
	uint64_t time_ns; /* SEND: at most so long */
};

/* SERVE answers twice: when it listens (with the port), and at the end. */
struct agent_answer {
	enum agent_op op;
	int error; /* 0, or a negated errno and nothing else is valid */
	char what[32]; /* "connect": what failed */
	bool is_listening; /* SERVE: the first of the two */
	uint16_t port; /* SERVE, when listening */
	uint64_t count; /* requests answered, or octets of the stream */
	uint64_t time_ns; /* from the first octet to the peer's last word */
	uint64_t rtt_min_ns, rtt_sum_ns, rtt_max_ns; /* PING */
};

/*
 * Start one. Returns 0; or -errno with *what saying what was refused: a
 * constant string.
 */
int agent_start(struct agent *agent, const char **what);

/* Have something done. Returns 0, or -errno. */
int agent_ask(const struct agent *agent, const struct agent_job *job);

/* Take an answer that waits on fd. Returns 0, or -errno: the agent is gone. */
int agent_answer(const struct agent *agent, struct agent_answer *answer);

/* End it and all that it does. Does nothing if there is none. */
void agent_stop(struct agent *agent);

/* job.c: do one, in the namespace of the caller, answering on fd. */
void agent_do(const struct agent_job *job, int fd);

#endif /* CLI_AGENT_H */
