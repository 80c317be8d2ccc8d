(* JSON as FORMAT.md wants it: UTF-8, no field twice, no floats, integers of at most 12 characters. *)

exception Malformed of string

type t =
  | Null
  | Bool of bool
  | Int of int
  | String of string
  | Array of t list
  | Object of (string * t) list

let malformed format = Printf.ksprintf (fun text -> raise (Malformed text)) format

let max_bytes = 1 lsl 30
let max_integer_length = 12

(* No rule of the format needs more than eight levels. *)
let max_depth = 64

let read_file path =
  let channel = open_in_bin path in
  let buffer = Buffer.create 65536 in
  let rec rest () =
    if Buffer.length buffer > max_bytes then malformed "expected at most %d bytes" max_bytes;
    match Buffer.add_channel buffer channel 65536 with
    | () -> rest ()
    | exception End_of_file -> Buffer.contents buffer
    | exception Sys_error text -> malformed "%s" text
  in
  Fun.protect ~finally:(fun () -> close_in channel) rest

(* Well-formed UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF. *)
let check_utf8 text =
  let length = String.length text in
  let byte i = if i < length then Char.code text.[i] else 0 in
  let continues i = byte i land 0xc0 = 0x80 in
  let rec from i =
    if i < length then begin
      let b = byte i in
      if b < 0x80 then from (i + 1)
      else if b >= 0xc2 && b <= 0xdf && continues (i + 1) then from (i + 2)
      else if
        b land 0xf0 = 0xe0 && continues (i + 1) && continues (i + 2)
        && (b <> 0xe0 || byte (i + 1) >= 0xa0)
        && (b <> 0xed || byte (i + 1) < 0xa0)
      then from (i + 3)
      else if
        b >= 0xf0 && b <= 0xf4 && continues (i + 1) && continues (i + 2) && continues (i + 3)
        && (b <> 0xf0 || byte (i + 1) >= 0x90)
        && (b <> 0xf4 || byte (i + 1) < 0x90)
      then from (i + 4)
      else malformed "not UTF-8 at byte %d" i
    end
  in
  from 0

(* Appends a code point; a lone surrogate, which an escape can name, becomes three bytes of its own. *)
let add_code_point buffer code =
  let add b = Buffer.add_char buffer (Char.chr b) in
  let tail shift = 0x80 lor ((code lsr shift) land 0x3f) in
  if code < 0x80 then add code
  else if code < 0x800 then (add (0xc0 lor (code lsr 6)); add (tail 0))
  else if code < 0x10000 then (add (0xe0 lor (code lsr 12)); add (tail 6); add (tail 0))
  else (add (0xf0 lor (code lsr 18)); add (tail 12); add (tail 6); add (tail 0))

let parse text =
  check_utf8 text;
  let length = String.length text in
  let position = ref 0 in
  let peek () = if !position < length then text.[!position] else '\000' in
  let fail expected = malformed "not JSON: expected %s at byte %d" expected !position in
  let rec blank () =
    match peek () with
    | ' ' | '\t' | '\n' | '\r' -> incr position; blank ()
    | _ -> ()
  in
  let expect c = if peek () = c && !position < length then incr position else fail (Printf.sprintf "'%c'" c) in
  let word w value =
    let n = String.length w in
    if !position + n <= length && String.sub text !position n = w then (position := !position + n; value)
    else fail "a value"
  in
  let integer () =
    let first = !position in
    if peek () = '-' then incr position;
    let digits = !position in
    while match peek () with '0' .. '9' -> true | _ -> false do incr position done;
    let count = !position - digits in
    if count = 0 then fail "a digit";
    if count > 1 && text.[digits] = '0' then malformed "not JSON: a leading zero at byte %d" digits;
    (match peek () with '.' | 'e' | 'E' -> malformed "expected no floating-point number at byte %d" first | _ -> ());
    if !position - first > max_integer_length then
      malformed "expected an integer of at most %d digits at byte %d" max_integer_length first;
    Int (int_of_string (String.sub text first (!position - first)))
  in
  let four_digits () =
    let code = ref 0 in
    for _ = 1 to 4 do
      let digit =
        match peek () with
        | '0' .. '9' as c -> Char.code c - 48
        | 'a' .. 'f' as c -> Char.code c - 87
        | 'A' .. 'F' as c -> Char.code c - 55
        | _ -> fail "a hexadecimal digit"
      in
      code := (16 * !code) + digit;
      incr position
    done;
    !code
  in
  let escape buffer =
    incr position;
    let c = peek () in
    incr position;
    match c with
    | '"' | '\\' | '/' -> Buffer.add_char buffer c
    | 'b' -> Buffer.add_char buffer '\b'
    | 'f' -> Buffer.add_char buffer '\012'
    | 'n' -> Buffer.add_char buffer '\n'
    | 'r' -> Buffer.add_char buffer '\r'
    | 't' -> Buffer.add_char buffer '\t'
    | 'u' ->
        let high = four_digits () in
        let pair = !position in
        if high land 0xfc00 = 0xd800 && peek () = '\\' && pair + 1 < length && text.[pair + 1] = 'u' then begin
          position := pair + 2;
          let low = four_digits () in
          if low land 0xfc00 = 0xdc00 then
            add_code_point buffer (0x10000 + ((high land 0x3ff) lsl 10) + (low land 0x3ff))
          else (position := pair; add_code_point buffer high)
        end
        else add_code_point buffer high
    | _ -> fail "an escape"
  in
  let string () =
    expect '"';
    let first = !position in
    let rec plain () =
      if !position >= length then fail "a closing quote"
      else
        match String.unsafe_get text !position with
        | '"' | '\\' -> ()
        | '\000' .. '\031' -> fail "no control character"
        | _ -> incr position; plain ()
    in
    plain ();
    if peek () = '"' then begin
      incr position;
      String.sub text first (!position - 1 - first)
    end
    else begin
      let buffer = Buffer.create 64 in
      Buffer.add_substring buffer text first (!position - first);
      while peek () = '\\' do
        escape buffer;
        let next = !position in
        plain ();
        Buffer.add_substring buffer text next (!position - next)
      done;
      expect '"';
      Buffer.contents buffer
    end
  in
  let rec value depth =
    if depth > max_depth then malformed "nested too deeply at byte %d" !position;
    blank ();
    match peek () with
    | '"' -> String (string ())
    | '[' ->
        incr position;
        blank ();
        if peek () = ']' then (incr position; Array [])
        else Array (elements depth [])
    | '{' ->
        incr position;
        blank ();
        if peek () = '}' then (incr position; Object [])
        else Object (members depth (Hashtbl.create 8) [])
    | '-' | '0' .. '9' -> integer ()
    | 't' -> word "true" (Bool true)
    | 'f' -> word "false" (Bool false)
    | 'n' -> word "null" Null
    | _ -> fail "a value"
  and elements depth before =
    let all = value (depth + 1) :: before in
    blank ();
    if peek () = ',' then (incr position; elements depth all) else (expect ']'; List.rev all)
  and members depth seen before =
    blank ();
    let name = string () in
    if Hashtbl.mem seen name then malformed "field %S is given twice" name;
    Hashtbl.add seen name ();
    blank ();
    expect ':';
    let all = (name, value (depth + 1)) :: before in
    blank ();
    if peek () = ',' then (incr position; members depth seen all) else (expect '}'; List.rev all)
  in
  let document = value 1 in
  blank ();
  if !position < length then fail "the end";
  document

(* ---- typed access; [where] is the place in the document ---- *)

let show = function
  | Null -> "null"
  | Bool b -> string_of_bool b
  | Int i -> string_of_int i
  | String s -> Printf.sprintf "%S" (if String.length s > 60 then String.sub s 0 60 ^ "..." else s)
  | Array _ -> "an array"
  | Object _ -> "an object"

let array where = function Array items -> items | other -> malformed "%s: expected an array, found %s" where (show other)

let text where = function String s -> s | other -> malformed "%s: expected a string, found %s" where (show other)

let index ?(least = 0) where = function
  | Int i when i >= least -> i
  | other -> malformed "%s: expected an integer >= %d, found %s" where least (show other)

(* The values of exactly these fields, in this order. *)
let fields where names = function
  | Object members ->
      List.iter
        (fun (name, _) -> if not (List.mem name names) then malformed "%s: unknown field %S" where name)
        members;
      List.map
        (fun name ->
          match List.assoc_opt name members with
          | Some value -> value
          | None -> malformed "%s: field %S is missing" where name)
        names
  | other -> malformed "%s: expected an object, found %s" where (show other)
