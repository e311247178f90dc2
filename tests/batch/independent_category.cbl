*> SPDX-License-Identifier: Apache-2.0
*> Says the category of pairs of spend and frequency, for a test: written
*> apart from OrderCategory, by conditions and points instead of a table.
*>
*>   stdin   one pair a line, bytes 1-12 spend and 14-25 frequency, each
*>           signed and padded with spaces on the left; spaces for missing
*>   stdout  a line a pair: category, then " conflict" or " gap"
identification division.
program-id. independent-category.
environment division.
input-output section.
file-control.
    select pairs assign to keyboard organization line sequential
        file status is pairs-status.
data division.
file section.
fd  pairs.
01  pair.
    05  spend-text           pic x(12).
    05  filler               pic x.
    05  frequency-text       pic x(12).
working-storage section.
77  pairs-status             pic xx.
77  spend                    pic s9(11).
    88  small-spend          values -99999999999 thru 9.
    88  middle-spend         values 10 thru 50.
77  frequency                pic s9(11).
    88  once                 value 1.
    88  sometimes            values 2 thru 4.
    88  often                values 5 thru 99999999999.
77  spend-points             pic 9.
77  frequency-points         pic 9.
77  lower-points             pic 9.
01  names                    value "New     StandardVIP     ".
    05  category-name        pic x(8) occurs 3.
procedure division.
    open input pairs
    perform until exit
        move spaces to pair
        read pairs at end exit perform end-read
        perform say-one
    end-perform
    close pairs
    stop run.
say-one.
    if spend-text = spaces or frequency-text = spaces
        display "New gap"
    else
        compute spend = function numval(spend-text)
        compute frequency = function numval(frequency-text)
        if not once and not sometimes and not often
            display "New gap"
        else
            perform give-points
        end-if
    end-if.
give-points.
    move 3 to spend-points
    if middle-spend move 2 to spend-points end-if
    if small-spend move 1 to spend-points end-if
    move 3 to frequency-points
    if sometimes move 2 to frequency-points end-if
    if once move 1 to frequency-points end-if
    compute lower-points = function min(spend-points frequency-points)
    if spend-points = frequency-points
        display function trim(category-name(lower-points))
    else
        display function trim(category-name(lower-points)) " conflict"
    end-if.
end program independent-category.
