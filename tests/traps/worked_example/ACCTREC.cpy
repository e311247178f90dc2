      * SPDX-License-Identifier: Apache-2.0
       01  ACCT-RECORD.
           05  ACCT-CARD           PIC X(16).
           05  ACCT-BALANCE        PIC S9(9)V99.
