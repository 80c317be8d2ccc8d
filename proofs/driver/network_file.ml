(* Network documents: the "layers" and "nodes" forms become the checker's network, with the hash of FORMAT.md. *)

open Json

let max_digits = 20_000
let max_inputs = 1 lsl 20

type t = { network : Checker.network; sha256 : string }

(* ---- rationals ---- *)

let rec gcd a b = if b = 0 then a else gcd b (a mod b)

(* The integer of the digits from [i] to [stop], when the machine's integers can hold it. *)
let rec small s i stop value =
  if i = stop then value else small s (i + 1) stop ((10 * value) + Char.code (String.unsafe_get s i) - 48)

(* Any 18 digits are below 2^62. *)
let max_small = 18

let is_digit c = c >= '0' && c <= '9'

(* The end of the digits from [first]; none, or a leading zero before others, is refused by [bad]. *)
let digits bad s first =
  let length = String.length s in
  let stop = ref first in
  while !stop < length && is_digit (String.unsafe_get s !stop) do incr stop done;
  if !stop = first || (s.[first] = '0' && !stop - first > 1) then bad ();
  !stop

let rational where s =
  let bad () = malformed "%s: expected a rational \"p\" or \"p/q\", found %s" where (show (String s)) in
  let length = String.length s in
  let first = if length > 0 && s.[0] = '-' then 1 else 0 in
  let slash = digits bad s first in
  if first = 1 && s.[1] = '0' then bad ();
  let stop =
    if slash = length then length
    else begin
      if s.[slash] <> '/' then bad ();
      let stop = digits bad s (slash + 1) in
      if stop < length || s.[slash + 1] = '0' then bad ();
      stop
    end
  in
  if max (slash - first) (stop - slash - 1) > max_digits then
    malformed "%s: an integer of more than %d digits" where max_digits;
  let unreduced () = malformed "%s: %s is not in lowest terms" where (show (String s)) in
  if slash - first <= max_small && stop - slash - 1 <= max_small then begin
    let p = small s first slash 0 in
    let p = if first = 1 then -p else p in
    if slash = length then { Checker.qnum = Z.of_int p; qden = Z.one }
    else begin
      let q = small s (slash + 1) stop 0 in
      let coprime = if q land (q - 1) = 0 then p land 1 = 1 else gcd (abs p) q = 1 in
      if q = 1 || not coprime then unreduced ();
      { Checker.qnum = Z.of_int p; qden = Z.of_int q }
    end
  end
  else begin
    let p = Z.of_substring s ~pos:0 ~len:slash in
    if slash = length then { Checker.qnum = p; qden = Z.one }
    else begin
      let q = Z.of_substring s ~pos:(slash + 1) ~len:(stop - slash - 1) in
      if Z.equal q Z.one || not (Z.equal (Z.gcd p q) Z.one) then unreduced ();
      { Checker.qnum = p; qden = q }
    end
  end

let rational_value where = function
  | String s -> rational where s
  | other -> malformed "%s: expected a rational \"p\" or \"p/q\", found %s" where (show other)

let is_zero q = Z.sign q.Checker.qnum = 0

(* ---- weights ---- *)

(* The number of columns that a weight states. *)
let columns where = function
  | Object _ as weight -> (
      match List.map (array (where ^ ".shape")) [ List.hd (fields where [ "shape"; "entries" ] weight) ] with
      | [ [ _; n ] ] -> index ~least:1 (where ^ ".shape") n
      | _ -> malformed "%s.shape: expected two entries" where)
  | weight -> (
      match array where weight with
      | [] -> 0
      | first :: _ -> List.length (array (where ^ "[0]") first))

let wrong_shape where height width m n =
  malformed "%s: expected a weight of shape %d x %d, found %d x %d" where height width m n

(* Calls [row i entries] for every row, entries (column, text) ascending, zeros left out. *)
let iterate_rows weight where ~height ~width row =
  let n = columns where weight in
  match weight with
  | Object _ ->
      let shape, entries =
        match fields where [ "shape"; "entries" ] weight with
        | [ shape; entries ] -> (array (where ^ ".shape") shape, array (where ^ ".entries") entries)
        | _ -> assert false
      in
      let m = index ~least:1 (where ^ ".shape") (List.hd shape) in
      if m <> height || n <> width then wrong_shape where height width m n;
      let rows = Array.make height [] in
      let last = ref (-1, -1) in
      List.iteri
        (fun position entry ->
          let at () = Printf.sprintf "%s.entries[%d]" where position in
          match array (at ()) entry with
          | [ Int i; Int j; String number ]
            when i >= 0 && j >= 0 && compare !last (i, j) < 0 && i < m && j < n && number <> "0" ->
              last := (i, j);
              rows.(i) <- (j, number) :: rows.(i)
          | _ -> malformed "%s: expected non-zero entries of shape [%d, %d] in row-major order" (at ()) m n)
        entries;
      Array.iteri (fun i entries -> row i (List.rev entries)) rows
  | _ ->
      let lines = array where weight in
      let m = List.length lines in
      if m <> height || n <> width then wrong_shape where height width m n;
      List.iteri
        (fun i line ->
          let at () = Printf.sprintf "%s[%d]" where i in
          let rec collect j kept = function
            | [] -> if j = n then kept else malformed "%s: expected %d entries, found %d" (at ()) n j
            | String "0" :: rest -> collect (j + 1) kept rest
            | String s :: rest -> collect (j + 1) ((j, s) :: kept) rest
            | other :: _ -> malformed "%s[%d]: expected a rational, found %s" (at ()) j (show other)
          in
          row i (List.rev (collect 0 [] (array (at ()) line))))
        lines

(* ---- nodes ---- *)

type source = { from : int; weight : Json.t; place : string }
type raw_node = { relu : bool; sources : source list; bias : string list; at : string }

let bias_texts at value =
  match array (at ^ ".bias") value with
  | [] -> malformed "%s.bias: expected at least one entry, found none" at
  | items -> List.rev (List.rev_map (function
      | String s -> s
      | other -> malformed "%s.bias: expected a rational, found %s" at (show other)) items)

let raw_layer last k item =
  let at = Printf.sprintf "layers[%d]" k in
  match fields at [ "weight"; "bias" ] item with
  | [ weight; bias ] ->
      { relu = k < last; sources = [ { from = k; weight; place = at ^ ".weight" } ]; bias = bias_texts at bias; at }
  | _ -> assert false

let raw_node places k item =
  let at = Printf.sprintf "nodes[%d]" k in
  match fields at [ "name"; "relu"; "inputs"; "bias" ] item with
  | [ name; relu; inputs; bias ] ->
      let name = text (at ^ ".name") name in
      if Hashtbl.mem places name then malformed "%s.name: %S is taken" at name;
      let relu =
        match relu with Bool b -> b | other -> malformed "%s.relu: expected true or false, found %s" at (show other)
      in
      let sources =
        match inputs with
        | Object members ->
            List.rev_map
              (fun (source, weight) ->
                match Hashtbl.find_opt places source with
                | Some from -> { from; weight; place = Printf.sprintf "%s.inputs[%S]" at source }
                | None -> malformed "%s.inputs: %S is no earlier node" at source)
              members
        | other -> malformed "%s.inputs: expected an object, found %s" at (show other)
      in
      Hashtbl.add places name (k + 1);
      let ascending = List.sort (fun s t -> compare s.from t.from) sources in
      { relu; sources = ascending; bias = bias_texts at bias; at }
  | _ -> assert false

let raw_nodes document =
  let kind = match document with Object members when List.mem_assoc "nodes" members -> "nodes" | _ -> "layers" in
  match fields "network" [ "format"; "version"; kind ] document with
  | [ format; version; items ] ->
      if format <> String "exactre-network" then
        malformed "format: expected \"exactre-network\", found %s" (show format);
      if version <> Int 1 then malformed "version: expected 1, found %s" (show version);
      let items = array kind items in
      if items = [] then malformed "%s: expected at least one entry, found none" kind;
      let places = Hashtbl.create 16 in
      Hashtbl.add places "input" 0;
      let read = if kind = "nodes" then raw_node places else raw_layer (List.length items - 1) in
      List.rev (snd (List.fold_left (fun (k, nodes) item -> (k + 1, read k item :: nodes)) (0, []) items))
  | _ -> assert false

let rec nat_of_int n acc = if n = 0 then acc else nat_of_int (n - 1) (Checker.S acc)

let read document =
  let nodes = raw_nodes document in
  let input_weight =
    List.find_map (fun node -> List.find_opt (fun source -> source.from = 0) node.sources) nodes
  in
  let inputs =
    match input_weight with
    | Some { weight; place; _ } ->
        let n = columns place weight in
        if n < 1 || n > max_inputs then malformed "%s: expected 1 to %d columns, found %d" place max_inputs n;
        n
    | None -> malformed "no node reads the input"
  in
  let hash = Sha256.start () in
  let line text = Sha256.add hash text; Sha256.add hash "\n" in
  line "exactre-network 1";
  line (Printf.sprintf "input %d" inputs);
  (* Value number 0 is 1, then come the inputs, then the nodes' outputs. *)
  let count = List.length nodes in
  let width = Array.make (count + 1) inputs and first = Array.make (count + 1) 1 in
  let node k { relu; sources; bias; at } =
    let height = List.length bias in
    line (Printf.sprintf "node %s %d" (if relu then "relu" else "affine") height);
    let rows = Array.make height [] in
    List.iteri
      (fun i s ->
        let c = rational (at ^ ".bias") s in
        if not (is_zero c) then rows.(i) <- [ (Z.zero, c) ])
      bias;
    List.iter
      (fun { from; weight; place } ->
        line (Printf.sprintf "from %d" from);
        iterate_rows weight place ~height ~width:width.(from) (fun i entries ->
            List.iteri
              (fun position (j, s) ->
                if position > 0 then Sha256.add hash " ";
                Sha256.add hash (string_of_int j);
                Sha256.add hash " ";
                Sha256.add hash s;
                rows.(i) <- (Z.of_int (first.(from) + j), rational place s) :: rows.(i))
              entries;
            Sha256.add hash "\n"))
      sources;
    line "bias";
    line (String.concat " " bias);
    width.(k + 1) <- height;
    first.(k + 1) <- first.(k) + width.(k);
    { Checker.relu_node = relu; rows = Array.fold_right (fun row rest -> List.rev row :: rest) rows [] }
  in
  let read_nodes = List.rev (snd (List.fold_left (fun (k, done_) raw -> (k + 1, node k raw :: done_)) (0, []) nodes)) in
  { network = { Checker.inputs = nat_of_int inputs Checker.O; nodes = read_nodes }; sha256 = Sha256.finish hash }
