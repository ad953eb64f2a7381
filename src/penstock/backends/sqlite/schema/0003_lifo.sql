-- The terms whose runs go before those that became ready earlier.
create table penstock_lifo (terms integer primary key);
