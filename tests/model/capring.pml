/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capring.pml - no record is left lying and no reader spins:
 * src/capture/ring.c, two writers and a reader that polls before each take, but
 * for a few more out of curiosity.
 *
 * A record is reserved, committed, and then its writer wakes the reader if
 * that is asleep (armed). The reader drains the descriptor, arms, looks again,
 * and wakes itself if there was something after all, for more may lie behind.
 * The reader sleeps for good only when it has read everything, so that a record
 * left lying is a deadlock; and the claim is that the descriptor falls quiet.
 *
 * pan: -f -m1000000
 */
#define N 2 /* records of each writer */
#define ALL 4

mtype = { FREE, WRITING, READY };
mtype state[ALL];
byte head = 0, tail = 0;
byte fd = 0; /* the eventfd's counter, which stops at 2 here */
bit armed = 1;

inline signal_reader()
{
	fd = (fd < 2 -> fd + 1 : fd)
}

/* ep_capring_wake(): one exchange. */
inline wake(was)
{
	atomic { was = armed; armed = 0 }
	if
	:: was -> signal_reader()
	:: else
	fi
}

active [2] proctype writer()
{
	byte i = 0, mine;
	bit was;
	do
	:: i < N ->
		atomic { mine = head; state[mine] = WRITING; head++ }
		state[mine] = READY;
		wake(was);
		i++
	:: else -> break
	od
}

#define is_ready (tail < head && state[tail] == READY)

active proctype reader()
{
	byte curious = 2;
	bit was;
	do
	:: tail == ALL && fd == 0 -> break
	:: fd > 0 || curious > 0 ->
		if
		:: fd == 0 -> curious--
		:: else
		fi;
		if
		:: is_ready -> tail++
		:: else ->
#if !defined(MUTANT_DRAINS_LATE) && !defined(MUTANT_THRIFTY)
			fd = 0;
#endif
#ifdef MUTANT_THRIFTY
			/* Saves the system call when it is armed already. */
			if
			:: !armed -> fd = 0
			:: else
			fi;
#endif
			armed = 1;
#ifdef MUTANT_DRAINS_LATE
			fd = 0;
#endif
#ifndef MUTANT_LOOKS_ONCE
			if
			:: is_ready ->
#ifndef MUTANT_TAKES_ONE
				wake(was);
#endif
				tail++
			:: else
			fi
#endif
		fi
	od
}

ltl quiet { <>[] (fd == 0) }
