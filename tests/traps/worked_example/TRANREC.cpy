      * SPDX-License-Identifier: Apache-2.0
       01  :P:-RECORD.
           05  :P:-ID              PIC X(16).
           05  :P:-CARD            PIC X(16).
           05  :P:-AMOUNT          PIC S9(9)V99.
           05  FILLER              PIC X(307).
