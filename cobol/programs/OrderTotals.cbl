*> SPDX-License-Identifier: Apache-2.0
*> OrderTotals adds up the orders of each customer.
*>
*>   DD SORTED  in   transformed orders (feeds/transformed_orders.yaml),
*>                   sorted by customer name and address, ascending
*>   DD TOTALS  out  one line a customer:
*>
*>     bytes  1-20  customer name
*>           24-43  address: two people of one name are two customers
*>           47-53  orders
*>           57-67  spend: the sum of the amounts
*>           71-79  frequency: the sum of the purchase frequencies
*>     and " | " between.
*>
*> Return code: 0; 12 when a file could not be opened, read, written or
*> closed, a line is no transformed order, the input is not sorted, or a
*> total does not fit. TOTALS is then not complete.
identification division.
program-id. OrderTotals.
environment division.
input-output section.
file-control.
    select sorted-orders assign to "SORTED"
        organization is line sequential file status is sorted-status.
    select totals assign to "TOTALS"
        organization is line sequential file status is totals-status.
data division.
file section.
*> Longer than an order, so that a line that is too long is seen here.
fd  sorted-orders
    record is varying in size from 1 to 256 characters
    depending on line-bytes.
01  sorted-line              pic x(256).
fd  totals.
01  totals-line              pic x(79).
working-storage section.
01  file-statuses.
    05  sorted-status        pic xx value "00".
    05  totals-status        pic xx value "00".
77  line-bytes               pic 9(9) comp-5 value 0.
77  layout-bytes             pic 9(9) comp-5 value 92.
77  at-end                   pic x value "N".
    88  no-more-orders       value "Y".
77  run-state                pic x value "G".
    88  trouble              value "T".
01  one-order.
    05  filler               pic x(14).
    05  customer-name        pic x(20).
    05  filler               pic x(3).
    05  customer-address     pic x(20).
    05  filler               pic x(16).
    05  amount               pic 9(3).
    05  filler               pic x(14).
    05  frequency            pic 9(2).
01  separators redefines one-order.
    05  order-word           pic x(7).
    05  filler               pic x(4).
    05  separator-1          pic x(3).
    05  filler               pic x(20).
    05  separator-2          pic x(3).
    05  filler               pic x(20).
    05  separator-3          pic x(3).
    05  filler               pic x(10).
    05  separator-4          pic x(3).
    05  filler               pic x(3).
    05  separator-5          pic x(14).
    05  filler               pic x(2).
*> The customer that is being added up; none before the first order.
01  this-customer.
    05  this-name            pic x(20) value low-values.
    05  this-address         pic x(20) value low-values.
01  next-customer.
    05  next-name            pic x(20).
    05  next-address         pic x(20).
01  of-customer.
    05  customer-orders      pic 9(7).
    05  customer-spend       pic 9(11).
    05  customer-frequency   pic 9(9).
01  of-file.
    05  customers            pic 9(9)  value 0.
    05  file-orders          pic 9(9)  value 0.
    05  file-spend           pic 9(13) value 0.
    05  file-frequency       pic 9(11) value 0.
01  totals-for-people.
    05  out-name             pic x(20).
    05  filler               pic x(3) value " | ".
    05  out-address          pic x(20).
    05  filler               pic x(3) value " | ".
    05  out-orders           pic 9(7).
    05  filler               pic x(3) value " | ".
    05  out-spend            pic 9(11).
    05  filler               pic x(3) value " | ".
    05  out-frequency        pic 9(9).
procedure division.
main-line.
    perform open-files
    if not trouble
        perform read-order
        perform until no-more-orders or trouble
            perform take-order
            if not trouble
                perform read-order
            end-if
        end-perform
        if not trouble
            perform end-customer
        end-if
    end-if
    perform close-files
    perform show-totals
    goback.

open-files.
    open input sorted-orders
    if sorted-status not = "00"
        display "OrderTotals: SORTED cannot be opened, status " sorted-status
        set trouble to true
    end-if
    if not trouble
        open output totals
        if totals-status not = "00"
            display "OrderTotals: TOTALS cannot be opened, status " totals-status
            set trouble to true
        end-if
    end-if.

read-order.
    move spaces to sorted-line
    move 0 to line-bytes
    read sorted-orders
    evaluate sorted-status
        when "00"
            move sorted-line to one-order
            perform check-layout
        when "10"
            set no-more-orders to true
        when other
            display "OrderTotals: SORTED cannot be read, status " sorted-status
            set trouble to true
    end-evaluate.

check-layout.
    add 1 to file-orders
    if line-bytes not = layout-bytes or order-word not = "Order: " or separator-1 not = " | " or separator-2 not = " | "
            or separator-3 not = " | " or separator-4 not = " | " or separator-5 not = " | Frequency: "
            or amount is not numeric or frequency is not numeric
        display "OrderTotals: line " file-orders " of SORTED is no transformed order"
        set trouble to true
    end-if.

*> Control break: an order of another customer ends the one before it.
take-order.
    move customer-name to next-name
    move customer-address to next-address
    if next-customer not = this-customer
        if next-customer < this-customer
            display "OrderTotals: line " file-orders " of SORTED comes before the one above it: sort by name and address"
            set trouble to true
        else
            perform end-customer
            move next-customer to this-customer
            move 0 to customer-orders customer-spend customer-frequency
        end-if
    end-if
    if not trouble
        perform add-order
    end-if.

add-order.
    add 1 to customer-orders
        on size error perform total-too-large
    end-add
    add amount to customer-spend
        on size error perform total-too-large
    end-add
    add frequency to customer-frequency
        on size error perform total-too-large
    end-add.

total-too-large.
    display "OrderTotals: line " file-orders " of SORTED makes a total that does not fit its field"
    set trouble to true.

end-customer.
    if this-customer not = low-values and not trouble
        move this-name to out-name
        move this-address to out-address
        move customer-orders to out-orders
        move customer-spend to out-spend
        move customer-frequency to out-frequency
        write totals-line from totals-for-people
        if totals-status = "00"
            add 1 to customers
            add customer-spend to file-spend
            add customer-frequency to file-frequency
        else
            display "OrderTotals: TOTALS cannot be written, status " totals-status
            set trouble to true
        end-if
    end-if.

*> A file that was not opened has status 42 here, which says nothing new.
close-files.
    close sorted-orders
    if sorted-status not = "00" and not trouble
        display "OrderTotals: SORTED cannot be closed, status " sorted-status
        set trouble to true
    end-if
    close totals
    if totals-status not = "00" and not trouble
        display "OrderTotals: TOTALS cannot be closed, status " totals-status
        set trouble to true
    end-if.

show-totals.
    display "customers " customers
    display "orders    " file-orders
    display "spend     " file-spend
    display "frequency " file-frequency
    if trouble
        move 12 to return-code
    else
        move 0 to return-code
    end-if.
