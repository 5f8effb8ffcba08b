/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.pml - no frame is stranded, none is overwritten before it was looked at,
 * none overtakes its producer's earlier ones, and one wake is owed at a time:
 * src/queue/queue.c with its callers, ep_pair_put_load() in src/pair/transmit.c
 * and ep_pair_deliver(), and a neighbour on the worker.
 *
 * Chunks hold a single frame each. Who puts does so in one atomic block, which
 * is one hold of the queue's lock; it goes on to the next chunk of the ring if
 * the consumer has left that, or gives the lock up to ask for the memory of
 * another one, which may not be there: then what is left is dropped. The consumer
 * looks at what was put, says what it takes, walks the ring, says how far it is
 * done, and looks again, each a step of its own; only to become IDLE does it
 * take the lock. Every other producer may act between any two of these.
 *
 * The mutants: the move to WAKING made when all is put instead of with the first
 * frame, so that frames lie in an IDLE queue while the lock is given up; a wake
 * for each put; a task that takes again as long as there is something (contract
 * 4.4: its neighbour starves); a task that becomes IDLE by what it saw before it
 * had the lock; one that says it is done when it takes; and a producer that asks
 * nobody whether the next chunk is free.
 *
 * Holds, in 392,028 states; the claim, in 773,350 of the product with fairness.
 *
 * pan: -f -m1000000
 */
#define PRODUCERS 2
#define BURSTS	  2 /* puts of the first; the second makes one less */
#define BURST	  2 /* frames of a put */
#define LIMIT	  3
#define CHUNKS	  8 /* as many as there can be */
#define NEIGHBOUR 1
#define TASK	  0

/* The ring: behind[c] is the chunk behind c. */
byte behind[CHUNKS];
byte made = 1; /* chunks; the first one's frame counts as looked at */
byte frame_of[CHUNKS], number_of[CHUNKS];
byte tail = 0, head = 0;

bit is_idle = 1;
byte put = 0, taken = 0;
chan tasks = [2] of { bit };
bit waits = 0; /* the task is in the worker's list */
byte ahead = 0; /* runs of the task while its neighbour waited */
byte delivered = 0, dropped = 0;
byte last[PRODUCERS];

inline q1_q2()
{
	assert(put - taken <= LIMIT); /* taken may be more by now */
	assert(!is_idle || put == taken)
}

inline append()
{
	tail = behind[tail];
	frame_of[tail] = _pid;
	number_of[tail] = number;
	put++;
	number++;
	done++;
#ifndef MUTANT_WAKES_LATE
	if
#ifdef MUTANT_WAKES_EACH
	:: true -> is_idle = 0; wake = 1
#endif
	:: is_idle -> is_idle = 0; wake = 1
	:: else
	fi
#endif
}

/* A chunk behind the tail. */
inline grow()
{
	behind[made] = behind[tail];
	behind[tail] = made;
	made++
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
		done = 0; wake = 0; asks = 0; fails = 0;
		do
		:: done < BURST && !fails ->
			/* What it asked for is there, or is not. */
			if
			:: asks -> fails = 1
			:: true
			fi;
			atomic {
				if
				:: asks && !fails -> grow()
				:: else
				fi;
				asks = 0;
				do
				:: fails || done == BURST ||
				   put - taken == LIMIT ->
					fails = 1; /* or all is put */
					break
#ifndef MUTANT_OVERWRITES
				:: else ->
					if
					:: behind[tail] != head -> append()
					:: else -> asks = 1; break
					fi
#else
				:: else -> append()
#endif
				od;
#ifdef MUTANT_WAKES_LATE
				if
				:: !asks && done > 0 && is_idle ->
					is_idle = 0; wake = 1
				:: else
				fi;
				if
				:: !asks -> q1_q2()
				:: else
				fi
#else
				q1_q2()
#endif
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

/* What was put is looked at once. */
inline take()
{
	atomic { left = put - taken; assert(!is_idle) }
	taken = taken + left;
	at = head;
#ifdef MUTANT_DONE_TOO_SOON
	d_step {
		n = left;
		do
		:: n > 0 -> head = behind[head]; n--
		:: else -> break
		od
	}
#endif
}

inline deliver()
{
	do
	:: left > 0 ->
		at = behind[at];
		left--;
		atomic {
			n = number_of[at];
			assert(n > last[frame_of[at]]); /* Q4, Q5 */
			last[frame_of[at]] = n;
			delivered++
		}
	:: else -> break
	od
}

active proctype worker()
{
	byte n, left, at;
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
			head = at;
			again = (put != taken);
			if
			:: again
			:: else ->
				atomic {
#ifndef MUTANT_LOOKS_FIRST
					again = (put != taken);
#endif
					is_idle = !again;
					q1_q2()
				}
			fi;
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
	<>[] (put == taken && is_idle && delivered + dropped == ALL)
}
