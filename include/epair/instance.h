/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/instance.h - an instance: its vnets, workers, clock and memory.
 *
 * A program may hold many instances; they share nothing. Work (deliveries,
 * timers, descriptors) is done by workers, in one of three ways:
 *
 *	THREADS  each worker is a thread of the library's
 *	LOOP     each worker is run by the caller: poll epair_fd(), then call
 *	         epair_dispatch()
 *	SIM      one worker and a virtual clock: nothing runs until
 *	         epair_step(), epair_run() or epair_advance(). The same
 *	         program and seed do the same, to the octet of a capture, in
 *	         every run, on every machine
 *
 * Drivers and attachments do not know which. Attachments that live on
 * descriptors are refused in a SIM instance.
 *
 * After fork() the child may only exec; every descriptor is close-on-exec.
 */
#ifndef EPAIR_INSTANCE_H
#define EPAIR_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;

enum epair_way {
	EPAIR_THREADS = 0,
	EPAIR_LOOP,
	EPAIR_SIM,
};

#define EPAIR_WORKERS_MAX 64u
#define EPAIR_PAIRS_MAX   1048576u

/*
 * All zero but size is the default: one thread, no busy polling, one queue
 * per end, host id of this machine mixed with random bits.
 */
struct epair_opts {
	size_t size; /* sizeof(struct epair_opts) */
	enum epair_way way;
	unsigned workers; /* 0 is 1; SIM always has 1; at most WORKERS_MAX */
	/*
	 * Buckets: queues of each end (RSS), one task each, bucket i on
	 * worker i modulo workers. 0 is 1. With 1 both ends of a pair live on
	 * one worker and pairs are dealt to workers in turn.
	 */
	unsigned queues;
	/* THREADS: pin worker i to the i-th CPU that we may use; with several
	 * queues they always are (contract 6.1). */
	bool pin;
	bool rss_udp; /* hash the ports of UDP too (contract 6.2) */
	uint32_t poll_us; /* THREADS: busy-poll so long before sleeping */
	/*
	 * The host id of contract 2.3. It is used as it is if host_id_set;
	 * else made from /etc/machine-id hashed with an application key and
	 * mixed with `name`, or with random bits if name is NULL. In SIM it
	 * is made from the seed.
	 */
	bool host_id_set;
	uint64_t host_id;
	const char *name;
	uint64_t seed; /* SIM: of all random numbers */
	/* Limits; 0 is the default in brackets. */
	uint32_t mbufs_max; /* frames in small buffers [1048576] */
	uint32_t large_mbufs_max; /* frames in large buffers [16384] */
	uint32_t pair_mbufs_max; /* held by one pair [8192 x (queues + 1)] */
	uint32_t vnet_mbufs_max; /* held by one vnet's pairs [mbufs_max / 2] */
	uint32_t pairs_max; /* pairs alive [65536], at most PAIRS_MAX */
	/*
	 * The library may handle SIGBUS in this process. Attachments then
	 * take memory that their peers can take away again - a guest's that
	 * is of huge pages, or of a file that is not sealed against shrinking -
	 * and close their own cable when that happens. Without, such memory
	 * is refused. LOOP: the threads that dispatch must not block SIGBUS.
	 */
	bool guard_sigbus;
	/*
	 * With one queue and several workers: the ends of a pair live on two
	 * neighbouring ones, in turn, instead of on one. What has been sent
	 * is then read out of another CPU's cache, which costs more than it
	 * gains, unless each end has much to do for itself (a TAP's system
	 * calls), or a link delays frames until no cache has them.
	 */
	bool apart;
};

/*
 * Make an instance. With NULL opts, the default.
 *
 * Gives *ep, to be freed with epair_free(). Descriptors and threads are made
 * here; the opener (attach.h) is started by the first attachment that needs it
 * or by epair_opener_start().
 *
 * Returns 0; -EINVAL for an option out of range; -ENOMEM, -EMFILE, -EAGAIN
 * from the system.
 */
EPAIR_API int epair_new(
    const struct epair_opts *opts, struct epair **ep, struct epair_err *err);

/*
 * Unload (contract 8.4): destroy all pairs, drain every task, end the workers,
 * free the instance. Not from a callback of the instance, and no other thread
 * may be in a call on it or begin one.
 *
 * Returns 0 and ep is gone; or, with nothing changed, -EDEADLK from a callback
 * of the instance, -EBUSY while the caller still holds interface references,
 * captures or subscriptions of it; or -EBUSY while the caller still holds
 * mbufs: the pairs are gone then, and the call can be repeated.
 */
EPAIR_API int epair_free(struct epair *ep);

/*
 * Use another host id for pairs made from now on. The counter of contract 2.3
 * goes on.
 */
EPAIR_API void epair_set_host_id(struct epair *ep, uint64_t host_id);

/* The instance's clock: CLOCK_REALTIME, or virtual time that begins at 0. */
EPAIR_API uint64_t epair_now(const struct epair *ep);

/*
 * LOOP: the descriptor of a worker (0 .. workers-1), readable when
 * epair_dispatch() has work. It is an epoll descriptor; the library's own, do
 * not close it. Returns it, or -EINVAL for another way or worker.
 */
EPAIR_API int epair_fd(struct epair *ep, unsigned worker);

/*
 * LOOP: do what is waiting for the worker: at most `budget` runs of tasks,
 * timers and descriptors; 0 is no limit but what was waiting at the start.
 * Where the budget ends, the next call goes on, so that a small one leaves
 * nobody out. Never blocks. One thread at a time for each worker.
 *
 * Returns how many it ran; -EINVAL for another way or worker; -EDEADLK from a
 * callback of that worker; -EBUSY while another thread is at it.
 */
EPAIR_API int epair_dispatch(
    struct epair *ep, unsigned worker, unsigned budget);

/*
 * SIM: n times, run the task that has waited longest, if one waits. Virtual
 * time stands still. Returns how many tasks still wait; or -EINVAL, -EDEADLK,
 * -EBUSY as epair_dispatch().
 */
EPAIR_API int epair_step(struct epair *ep, unsigned n);

/*
 * SIM: run tasks until none waits. Virtual time stands still; two stacks that
 * answer each other for ever need a bound: at most `max` runs, 0 is none.
 * Returns how many still wait, or as epair_step().
 */
EPAIR_API int epair_run(struct epair *ep, unsigned max);

/*
 * SIM: let virtual time pass: run what waits, then each timer at its time, in
 * order, with what it caused. Ends with the clock ns further.
 * Returns 0, or as epair_step(); -ELOOP when tasks caused each other ten million
 * times without time passing.
 */
EPAIR_API int epair_advance(struct epair *ep, uint64_t ns);

/*
 * SIM: let virtual time pass until is_met(arg) is not 0, at most ns further. It
 * is asked at the start, after each task and timer that ran, and at the end, in
 * the thread of the caller; it may call anything but what lets time pass. NULL
 * is until all is at rest: no task waits and no timer is armed.
 *
 * Returns 1 when it was met, the clock standing where it was; 0 when it was not
 * and the clock is ns further; -EINVAL, -EDEADLK, -ELOOP as epair_advance().
 */
EPAIR_API int epair_advance_until(
    struct epair *ep, uint64_t ns, int (*is_met)(void *arg), void *arg);

/* SIM: time of the next timer, or UINT64_MAX if there is none. */
EPAIR_API uint64_t epair_next_timer(struct epair *ep);

/*
 * Start the opener now (it is else started when first needed): the small
 * process that enters namespaces and opens devices for us, with the rights
 * that this process has at this moment. A program that wants to give up its
 * capabilities calls this first. See attach.h.
 *
 * Returns 0, also if it runs already; -ENOENT if the program epair-opener
 * was not found; other errors of the system.
 */
EPAIR_API int epair_opener_start(struct epair *ep, struct epair_err *err);

/*
 * Have the opener start epair-keeper, the process that keeps descriptors for a
 * daemon that may be killed: so that a program which has given up starting any
 * can have one. sock is its listening socket, and stays the caller's. It is
 * nobody's child, has no rights, and ends when it holds nothing and nobody is
 * connected.
 *
 * Returns 0; -ENOENT if one of the programs was not found; other errors of the
 * system.
 */
EPAIR_API int epair_opener_start_keeper(
    struct epair *ep, int sock, struct epair_err *err);

/* What an instance holds; for tests and for the curious. */
struct epair_usage {
	size_t size; /* sizeof(struct epair_usage) */
	uint64_t mbufs; /* frames out of the pool, small and large */
	uint32_t pairs; /* alive */
	uint32_t interfaces; /* alive or still referenced */
	uint32_t tasks_waiting;
	uint32_t vnets;
};

/*
 * Fill *u. Exact when no other thread is using the instance.
 * Returns 0, or -EINVAL if size is not one that we know.
 */
EPAIR_API int epair_get_usage(struct epair *ep, struct epair_usage *u);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_INSTANCE_H */
