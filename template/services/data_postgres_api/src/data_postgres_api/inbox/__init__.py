"""Which messages had their effect already: noted in the transaction of the effect itself."""
