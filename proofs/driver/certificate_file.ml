(* Certificate documents, section 3 of FORMAT.md, as the checker's types. *)

open Json

let max_neurons = 1 lsl 20

type proof =
  | Equivalent of Checker.step list * Checker.step list * Checker.tree_node list
  | Different of Checker.q list * Checker.q list * Checker.q list

(* No tolerance: a claim about decisions. *)
type t = { a : string; b : string; domain : Checker.polyhedron; tolerance : Checker.q option; proof : proof }

let map_items where read value =
  let _, items =
    List.fold_left
      (fun (i, done_) item -> (i + 1, read (Printf.sprintf "%s[%d]" where i) item :: done_))
      (0, []) (array where value)
  in
  List.rev items

let rational = Network_file.rational_value

let hash where value =
  let s = text where value in
  let well_formed = ref (String.length s = 64) in
  String.iter (function '0' .. '9' | 'a' .. 'f' -> () | _ -> well_formed := false) s;
  if !well_formed then s
  else malformed "%s: expected 64 hexadecimal digits, found %s" where (show value)

let domain_row where value =
  match array where value with
  | [ entries; bound ] ->
      let last = ref (-1) in
      let entry at = function
        | Array [ j; number ] ->
            let j = index at j and a = rational at number in
            if j <= !last || Network_file.is_zero a then malformed "%s: expected ascending indices and no zeros" at;
            last := j;
            (* Input j is value number j + 1. *)
            (Z.of_int (j + 1), a)
        | other -> malformed "%s: expected [index, rational], found %s" at (show other)
      in
      let row = map_items where entry entries in
      (row, rational where bound)
  | _ -> malformed "%s: expected [row, bound]" where

(* Triples [kind, index, rational], each read by [triple] of its place, kind, index and rational. *)
let triples triple where value =
  map_items where
    (fun at -> function
      | Array [ String kind; k; number ] ->
          let k = index at k and q = rational at number in
          if kind = "one" && k <> 0 then malformed "%s: expected index 0 for \"one\", found %d" at k;
          (triple at kind (Z.of_int k) q, q)
      | other -> malformed "%s: expected [kind, index, rational], found %s" at (show other))
    value

let fact at kind k q =
  if Z.sign q.Checker.qnum <= 0 then malformed "%s: expected a multiplier > 0" at;
  match kind with
  | "one" -> Checker.One
  | "relu" -> Checker.Relu k
  | "gap" -> Checker.Gap k
  | "domain" -> Checker.Domain k
  | "bound" -> Checker.Bound k
  | _ -> malformed "%s: unknown fact %S" at kind

let derivation = triples fact

let exclusion ~with_b =
  triples (fun at kind k q ->
      match kind with
      | ("a" | "b") when Z.sign q.Checker.qnum <= 0 -> malformed "%s: expected a multiplier > 0" at
      | "a" -> Checker.OverA k
      | "b" when with_b -> Checker.OverB k
      | _ -> Checker.Known (fact at kind k q))

let parts =
  triples (fun at kind k _ ->
      match kind with
      | "one" -> Checker.PartOne
      | "input" -> Checker.PartInput k
      | "atom" -> Checker.PartAtom k
      | "e" -> Checker.PartE k
      | _ -> malformed "%s: unknown part %S" at kind)

(* The tree in preorder, which must end where the list ends. *)
let tree where value =
  let missing = ref 1 in
  let bounds at = function
    | Null -> None
    | Array [ upper; lower ] -> Some (derivation at upper, derivation at lower)
    | other -> malformed "%s: expected null or two derivations, found %s" at (show other)
  in
  let entry at = function
    | Array [ String "never"; d ] -> Checker.Never (exclusion ~with_b:false at d)
    | Array [ String "pairs"; ds ] -> Checker.Pairs (map_items at (exclusion ~with_b:true) ds)
    | other -> malformed "%s: expected \"never\" or \"pairs\", found %s" at (show other)
  in
  let nodes =
    map_items where
      (fun at item ->
        if !missing = 0 then malformed "%s: the tree has ended before this node" at;
        decr missing;
        match item with
        | Array [ String "split"; k ] -> missing := !missing + 2; Checker.Split (Z.of_int (index at k))
        | Array [ String (("active" | "inactive") as side); k; d ] ->
            incr missing;
            let k = index at k in
            Checker.Stable (Z.of_int k, side = "active", derivation at d)
        | Array [ String "same"; j; k; s ] ->
            incr missing;
            let j = index at j and k = index at k and s = rational at s in
            if Network_file.is_zero s then malformed "%s: expected a factor that is not zero" at;
            Checker.Same (Z.of_int j, Z.of_int k, s)
        | Array [ String "infeasible"; d ] -> Checker.Infeasible (derivation at d)
        | Array [ String "equal" ] -> Checker.Equal
        | Array [ String "bounded"; proofs ] -> Checker.Bounded (map_items at bounds proofs)
        | Array [ String "decided"; entries ] -> Checker.Decided (map_items at entry entries)
        | other -> malformed "%s: expected a node of the tree, found %s" at (show other))
      value
  in
  if !missing > 0 then malformed "%s: the tree ends early, %d subtrees are missing" where !missing;
  nodes

let steps where value =
  let total = ref 0 in
  let run at count =
    total := !total + count;
    if !total > max_neurons then malformed "%s: more than %d neurons" at max_neurons
  in
  let rec repeat n step acc = if n = 0 then acc else repeat (n - 1) step (step :: acc) in
  let add at acc = function
    | Array [ String (("atom" | "constant") as rule); count ] ->
        let count = index ~least:1 at count in
        run at count;
        repeat count (if rule = "atom" then Checker.Atom else Checker.Constant) acc
    | Array [ String "scaled"; atoms; factors ] ->
        let ks = map_items at index atoms and ss = map_items at rational factors in
        if ks = [] || List.compare_lengths ks ss <> 0 || List.exists Network_file.is_zero ss then
          malformed "%s: expected as many factors as atoms, at least one, and none zero" at;
        run at (List.length ks);
        List.fold_left2 (fun acc k s -> Checker.Scaled (Z.of_int k, s) :: acc) acc ks ss
    | Array [ String "active"; d ] -> run at 1; Checker.Active (derivation at d) :: acc
    | Array [ String "inactive"; d ] -> run at 1; Checker.Inactive (derivation at d) :: acc
    | Array [ String "zero"; t; nodes ] -> Checker.LearnZero (parts at t, tree at nodes) :: acc
    | Array [ String "bound"; j; t; above_e; above_zero ] ->
        Checker.LearnBound (Z.of_int (index at j), parts at t, derivation at above_e, derivation at above_zero) :: acc
    | other -> malformed "%s: expected a step, found %s" at (show other)
  in
  let _, reversed =
    List.fold_left
      (fun (i, acc) item -> (i + 1, add (Printf.sprintf "%s[%d]" where i) acc item))
      (0, []) (array where value)
  in
  List.rev reversed

let read document =
  match
    fields "certificate" [ "format"; "version"; "claim"; "a"; "b"; "domain"; "tolerance"; "proof" ] document
  with
  | [ format; version; claim; a; b; domain; tolerance; proof ] ->
      if format <> String "exactre-certificate" then
        malformed "format: expected \"exactre-certificate\", found %s" (show format);
      if version <> Int 1 then malformed "version: expected 1, found %s" (show version);
      let a = hash "a" a and b = hash "b" b in
      let domain = match domain with Null -> [] | rows -> map_items "domain" domain_row rows in
      let tolerance =
        match (claim, tolerance) with
        | String ("same-argmax" | "different-argmax"), Null -> None
        | String ("same-argmax" | "different-argmax"), other ->
            malformed "tolerance: expected null for this claim, found %s" (show other)
        | _ ->
            let q = rational "tolerance" tolerance in
            if Z.sign q.Checker.qnum < 0 then malformed "tolerance: expected a number >= 0";
            Some q
      in
      let proof =
        match claim with
        | String ("equivalent" | "same-argmax") -> (
            match fields "proof" [ "a"; "b"; "tree" ] proof with
            | [ x; y; z ] ->
                let x = steps "proof.a" x in
                let y = steps "proof.b" y in
                Equivalent (x, y, tree "proof.tree" z)
            | _ -> assert false)
        | String ("different" | "different-argmax") -> (
            match fields "proof" [ "input"; "output_a"; "output_b" ] proof with
            | [ x; y; z ] ->
                let list name value = map_items ("proof." ^ name) rational value in
                let x = list "input" x in
                let y = list "output_a" y in
                Different (x, y, list "output_b" z)
            | _ -> assert false)
        | other -> malformed "claim: unknown %s" (show other)
      in
      { a; b; domain; tolerance; proof }
  | _ -> assert false
