/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * full.pml - no sender that is held back stays so when there is room:
 * src/pair/full.c, two readers that mute their descriptors (attach/attach.c),
 * a task that takes the whole queue, and one that tells.
 *
 * Each atomic block is one critical section of the queue's lock, or one atomic
 * access. `told` is the changed task: scheduled, it unmutes both readers. A
 * reader that is muted while the queue is empty and nobody is on the way is a
 * deadlock.
 *
 * Mutants: the reader asks first and is muted then; it looks for room before it
 * says that it is held; who makes room takes `held` back after it has told.
 *
 * pan: -m1000000
 */
#define N 3 /* frames of each reader */
#define LIMIT 1

byte count = 0;
byte left[2] = { N, N };
bit muted[2] = { 0, 0 };
bit held = 0;
bit told = 0;
byte ended = 0;

inline ask(room)
{
#ifndef MUTANT_LOOK
	atomic { room = (count < LIMIT) }
	if
	:: room
	:: else ->
		held = 1;
		atomic { room = (count < LIMIT) }
	fi
#else
	atomic { room = (count < LIMIT) }
	if
	:: room
	:: else -> held = 1
	fi
#endif
}

active [2] proctype reader()
{
	bit room;

	do
	:: left[_pid] == 0 -> break
	:: left[_pid] > 0 && !muted[_pid] ->
		ask(room);
#ifndef MUTANT_MUTE
		if
		:: room
		:: else ->
			muted[_pid] = 1;
			ask(room);
			if
			:: room -> muted[_pid] = 0
			:: else
			fi
		fi;
#else
		if
		:: room
		:: else -> muted[_pid] = 1
		fi;
#endif
		if
		:: room -> atomic { count++ }; left[_pid]--
		:: else
		fi
	od;
	ended++
}

/* The queue's task, whenever there is something to take. */
active proctype deliver()
{
	do
	:: atomic { count > 0 -> count = 0 }
		if
		:: held ->
#ifndef MUTANT_BACK
			held = 0;
			told = 1
#else
			told = 1;
			held = 0
#endif
		:: else
		fi
	:: atomic { ended == 2 && count == 0 -> break }
	od
}

active proctype teller()
{
end:
	do
	:: atomic { told -> told = 0 }
		muted[0] = 0;
		muted[1] = 0
	od
}
