*> SPDX-License-Identifier: Apache-2.0
*> IngestCSV judges the transactions of one block: which records break
*> which of the five rules that feeds/transactions.yaml names.
*>
*> The hot loop holds one conjunction of all that a good record meets;
*> records that fail it are judged rule by rule in JUDGE-SLOWLY. Every
*> field here is native binary and every bound an integer in minor
*> units, so that the loop compiles to plain comparisons.
identification division.
program-id. IngestCSV.
data division.
working-storage section.
77  r                        binary-long.
77  size-minor               binary-double.
*> By transaction type: smallest and largest amount, in minor units.
01  amount-table.
    05  filler.
        10  filler           binary-double value -100000000.
        10  filler           binary-double value  100000000.
    05  filler.
        10  filler           binary-double value          1.
        10  filler           binary-double value   25000000.
    05  filler.
        10  filler           binary-double value          1.
        10  filler           binary-double value  500000000.
    05  filler.
        10  filler           binary-double value -500000000.
        10  filler           binary-double value         -1.
01  filler redefines amount-table.
    05  filler               occurs 4.
        10  lowest-minor     binary-double.
        10  highest-minor    binary-double.
*> By type: the sign it demands (P, N or either) and its largest size.
01  sign-and-size-table.
    05  filler.
        10  filler           pic x value "E".
        10  filler           binary-double value  100000000.
    05  filler.
        10  filler           pic x value "P".
        10  filler           binary-double value   25000000.
    05  filler.
        10  filler           pic x value "P".
        10  filler           binary-double value  500000000.
    05  filler.
        10  filler           pic x value "N".
        10  filler           binary-double value  500000000.
01  filler redefines sign-and-size-table.
    05  filler               occurs 4.
        10  demanded-sign    pic x.
        10  largest-minor    binary-double.
*> By description: the one type that it belongs to.
01  pair-table.
    05  filler               pic x(12) value "111222333444".
01  filler redefines pair-table.
    05  type-of-description  pic 9 occurs 12.
01  pair-codes.
    05  pair-type            binary-short occurs 12.
77  tables-made              pic x value "N".
linkage section.
copy "transactions.cpy".
procedure division using LM-BLOCK LM-COLUMNS LM-BROKEN.
judge-block.
    move LM-LAYOUT to LAYOUT-SEEN
    if tables-made = "N"
        perform make-tables
    end-if
    perform varying r from FIRST-RECORD by 1 until r > LAST-RECORD
        if      DATE-STATE(r) = 1 and TRANSACTION-TYPE-STATE(r) = 1
            and DESCRIPTION-STATE(r) = 1 and AMOUNT-STATE(r) = 1
            and DATE-YEAR(r) >= 2015 and DATE-YEAR(r) <= 2034
            and AMOUNT-MINOR(r) not = 0
            and AMOUNT-MINOR(r) >= lowest-minor(TRANSACTION-TYPE-CODE(r))
            and AMOUNT-MINOR(r) <= highest-minor(TRANSACTION-TYPE-CODE(r))
            and pair-type(DESCRIPTION-CODE(r)) = TRANSACTION-TYPE-CODE(r)
            continue
        else
            perform judge-slowly
        end-if
    end-perform
    goback.
make-tables.
    perform varying r from 1 by 1 until r > 12
        move type-of-description(r) to pair-type(r)
    end-perform
    move "Y" to tables-made.
*> A rule looks only at fields that are valid: what is wrong with the
*> others was said already.
judge-slowly.
    if DATE-STATE(r) = 1
        if DATE-YEAR(r) < 2015 or DATE-YEAR(r) > 2034
            move "Y" to BROKEN-DATE-WINDOW(r)
        end-if
    end-if
    if TRANSACTION-TYPE-STATE(r) = 1 and DESCRIPTION-STATE(r) = 1
        if pair-type(DESCRIPTION-CODE(r)) not = TRANSACTION-TYPE-CODE(r)
            move "Y" to BROKEN-PAIR-NOT-ALLOWED(r)
        end-if
    end-if
    if AMOUNT-STATE(r) = 1
        if AMOUNT-MINOR(r) = 0
            move "Y" to BROKEN-AMOUNT-ZERO(r)
        else
            if TRANSACTION-TYPE-STATE(r) = 1
                perform judge-amount-by-type
            end-if
        end-if
    end-if.
judge-amount-by-type.
    if demanded-sign(TRANSACTION-TYPE-CODE(r)) = "P" and AMOUNT-MINOR(r) < 0
        move "Y" to BROKEN-AMOUNT-SIGN(r)
    end-if
    if demanded-sign(TRANSACTION-TYPE-CODE(r)) = "N" and AMOUNT-MINOR(r) > 0
        move "Y" to BROKEN-AMOUNT-SIGN(r)
    end-if
    move AMOUNT-MINOR(r) to size-minor
    if size-minor < 0
        multiply -1 by size-minor
    end-if
    if size-minor > largest-minor(TRANSACTION-TYPE-CODE(r))
        move "Y" to BROKEN-AMOUNT-SIZE(r)
    end-if.
end program IngestCSV.
