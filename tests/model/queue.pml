/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.pml - no frame is stranded, none overtakes its producer's earlier ones,
 * and one wake is owed at a time: src/queue/queue.c with its callers, put() in
 * src/pair/transmit.c and ep_pair_deliver(), and a neighbour on the worker.
 *
 * Each atomic block is one hold of the queue's lock. A put appends frames while
 * the tail chunk has room, and gives the lock up to ask for the memory of
 * another chunk, which may not be there: then what is left is dropped. Where a
 * chunk ends is free, so that every way of cutting a burst is tried.
 *
 * The mutants: the move to WAKING made when all is put instead of with the
 * first frame, so that frames lie in an IDLE queue while the lock is given up;
 * a wake for each put; a task that takes again as long as there is something
 * (contract 4.4: its neighbour starves); a task that leaves what came while it
 * ran; and one that looks for that before it says that it has ended.
 *
 * Holds, in 145,221 states; the claim, in 289,413 of the product with fairness.
 *
 * pan: -f -m1000000
 */
#define PRODUCERS 2
#define BURSTS	  2 /* puts of the first; the second makes one less */
#define BURST	  2 /* frames of a put */
#define LIMIT	  3
#define NEIGHBOUR 1
#define TASK	  0

mtype = { IDLE, WAKING, RUNNING };
mtype state = IDLE;
chan q = [LIMIT] of { byte, byte }; /* producer, number */
chan batch = [LIMIT] of { byte, byte };
chan tasks = [2] of { bit };
bit waits = 0; /* the task is in the worker's list */
byte ahead = 0; /* runs of the task while its neighbour waited */
byte delivered = 0, dropped = 0;
byte last[PRODUCERS];

inline q1_q2()
{
	assert(len(q) <= LIMIT);
	assert(state != IDLE || len(q) == 0)
}

inline append()
{
	q!_pid, number;
	number++;
	done++;
#ifndef MUTANT_WAKES_LATE
	if
#ifdef MUTANT_WAKES_EACH
	:: true -> state = (state == IDLE -> WAKING : state); wake = 1
#endif
	:: state == IDLE -> state = WAKING; wake = 1
	:: else
	fi
#endif
}

inline schedule()
{
	atomic {
		assert(!waits); /* Q3: or the run would be counted twice */
		waits = 1;
		tasks!TASK
	}
}

active [PRODUCERS] proctype producer()
{
	byte bursts = 0, done, number = 1;
	bit wake, asks, fails;

	do
	:: bursts < BURSTS - _pid ->
		done = 0; wake = 0; asks = 1; fails = 0;
		do
		:: done < BURST && !fails ->
			/* Out of memory, or a chunk that has room for one. */
			if
			:: asks -> fails = 1
			:: true
			fi;
			atomic {
				asks = 0;
				do
				:: fails || done == BURST || len(q) == LIMIT ->
					break
				:: else ->
					append();
					if
					:: done < BURST -> asks = 1; break
					:: true
					fi
				od;
				if
				:: !asks -> fails = 1 /* or all is put */
				:: else
				fi;
#ifdef MUTANT_WAKES_LATE
				if
				:: !asks && done > 0 && state == IDLE ->
					state = WAKING; wake = 1
				:: else
				fi;
#endif
				q1_q2()
			}
		:: else -> break
		od;
		if
		:: wake -> schedule()
		:: else
		fi;
		dropped = dropped + BURST - done;
		number = number + BURST - done;
		bursts++
	:: else -> break
	od
}

inline take()
{
	atomic {
		assert(state == WAKING);
		state = RUNNING;
		do
		:: q?who, n -> batch!who, n
		:: empty(q) -> break
		od
	}
}

inline deliver()
{
	do
	:: batch?who, n ->
		assert(n > last[who]); /* Q4 */
		last[who] = n;
		delivered++
	:: empty(batch) -> break
	od
}

active proctype worker()
{
	byte who, n;
	bit again, task;

	tasks!NEIGHBOUR;
end:	do
	:: tasks?task ->
		if
		:: task == NEIGHBOUR -> ahead = 0; tasks!NEIGHBOUR
		:: else ->
			waits = 0;
			ahead++;
			assert(ahead == 1); /* contract 4.4 */
			take();
#ifdef MUTANT_LOOPS
more:
#endif
			deliver();
#ifdef MUTANT_LOOKS_FIRST
			again = nempty(q);
#endif
			atomic {
				assert(state == RUNNING);
#ifndef MUTANT_LOOKS_FIRST
				again = nempty(q);
#endif
#ifdef MUTANT_FORGETS
				again = 0;
				state = (len(q) > 0 -> WAKING : IDLE);
#else
				state = (again -> WAKING : IDLE);
#endif
#ifndef MUTANT_LOOKS_FIRST
				q1_q2()
#endif
			};
			if
#ifdef MUTANT_LOOPS
			:: again -> ahead++; assert(ahead == 1); take(); goto more
#endif
			:: again -> schedule()
			:: else
			fi
		fi
	od
}

#define ALL ((BURSTS + BURSTS - 1) * BURST)
ltl nothing_stranded {
	<>[] (len(q) == 0 && state == IDLE && delivered + dropped == ALL)
}
