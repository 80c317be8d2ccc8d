(* The integers of the extracted checker: Zarith's, one line for each function of Coq's standard library that
   theories/Extract.v maps. This file is trusted. *)

type t = Z.t
type comparison = Eq | Lt | Gt

exception Too_large

(* An integer computed while checking has at most 2^18 bits (FORMAT.md, section 5). *)
let max_bits = 1 lsl 18

(* Only products grow: a sum of any number of terms that fit in memory adds a few bits. *)
let mul a b =
  let product = Z.mul a b in
  if Z.fits_int product || Z.numbits product <= max_bits then product else raise Too_large

let zero = Z.zero
let one = Z.one
let add = Z.add
let succ = Z.succ
let opp = Z.neg
let abs = Z.abs
let equal = Z.equal
let less = Z.lt
let less_or_equal = Z.leq
let gcd = Z.gcd
let odd = Z.is_odd
let twice a = Z.shift_left a 1
let twice_plus_one a = Z.succ (twice a)
let half a = Z.shift_right a 1
let at_least_one a = Z.max Z.one a
let monus a b = Z.max Z.zero (Z.sub a b)
let div a b = if Z.sign b = 0 then Z.zero else Z.fdiv a b

let compare a b =
  let order = Z.compare a b in
  if order = 0 then Eq else if order < 0 then Lt else Gt

(* Pattern matching: on 2p + 1, 2p, 1; on 0, p, -p; on 0, p. *)
let match_positive odd_case even_case one_case p =
  if Z.equal p Z.one then one_case () else if Z.is_odd p then odd_case (half p) else even_case (half p)

let match_integer zero_case positive_case negative_case a =
  let sign = Z.sign a in
  if sign = 0 then zero_case () else if sign > 0 then positive_case a else negative_case (Z.neg a)

let match_natural zero_case positive_case a = if Z.sign a = 0 then zero_case () else positive_case a
