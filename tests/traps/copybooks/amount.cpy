*> SPDX-License-Identifier: Apache-2.0
    05  :P:-id pic x(4).
    05  :P:-amount pic 9(5).
