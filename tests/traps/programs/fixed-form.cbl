      * SPDX-License-Identifier: Apache-2.0
      * Fixed form: sequence numbers in columns 1 to 6, and what stands from column 73 on is no code.
000100 identification division.
000200 program-id. FIXEDFRM.
000300 environment division.
000400 input-output section.
000500 file-control.
000600     select out-file assign to "OUT"                              FIXEDFRM
000700         organization line sequential.                            FIXEDFRM
000800 data division.
000900 file section.
001000 fd  out-file.
001100 01  out-line pic x(20).
001200 procedure division.
001300     open output out-file                                         I-O
001400     write out-line from "fixed"
001500     close out-file
001600     stop run.
