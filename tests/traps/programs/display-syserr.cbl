*> SPDX-License-Identifier: Apache-2.0
*> DISPLAY UPON SYSERR goes to standard error, the rest to standard output: both belong to the step's log.
identification division.
program-id. SYSERRS.
procedure division.
    display "to output"
    display "to error" upon syserr
    stop run.
