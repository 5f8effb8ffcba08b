/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pull.pml - no frame waits behind a descriptor that is not readable:
 * src/api/pull.c, two workers that receive and two readers that sleep on the
 * descriptor, which is made while frames come in already.
 *
 * Each atomic block is one critical section of the ring's lock. `busy` is
 * signal_lock; between the look at the ring and the write to the eventfd
 * anything may happen. A reader sleeps for good only when all frames are taken,
 * so that a frame left lying is a deadlock; and the claim is that the
 * descriptor falls quiet (P2).
 *
 * Mutants: whoever crosses an edge sets the descriptor to what it saw itself;
 * whether there is a descriptor is looked up before the ring's lock is taken.
 *
 * pan: -f -m1000000
 */
#define N 2 /* frames of each worker */
#define ALL 4

byte count = 0, taken = 0;
bit made = 0; /* fd >= 0 */
bit eventfd = 0;
bit is_readable = 0;
bit busy = 0;

inline signal_edge(saw)
{
	atomic { busy == 0; busy = 1 }
#ifndef MUTANT_SAW
	atomic { has = (count > 0) }
#else
	has = saw;
#endif
	if
	:: has != is_readable -> eventfd = has
	:: else
	fi;
	is_readable = has;
	busy = 0
}

active [2] proctype worker()
{
	byte i = 0;
	bit edge, has;
#ifdef MUTANT_FD
	bit seen;
#endif
	do
	:: i < N ->
#ifdef MUTANT_FD
		seen = made;
		atomic { edge = (count == 0 && seen); count++ }
#else
		atomic { edge = (count == 0 && made); count++ }
#endif
		if
		:: edge -> signal_edge(1)
		:: else
		fi;
		i++
	:: else -> break
	od
}

active [2] proctype reader()
{
	bit edge, has;

	/* epair_if_recv_fd(), by both */
	atomic { busy == 0; busy = 1 }
	made = 1;
	busy = 0;
	signal_edge(count > 0);

	do
	:: taken == ALL && eventfd == 0 && busy == 0 -> break
	:: eventfd ->
		atomic {
			edge = 0;
			if
			:: count > 0 ->
				count--;
				taken++;
				edge = (count == 0)
			:: else
			fi
		}
		if
		:: edge -> signal_edge(0)
		:: else
		fi
	od
}

ltl falls_quiet { <>[] (taken == ALL && eventfd == 0) }
