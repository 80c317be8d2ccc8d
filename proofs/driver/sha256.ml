(* SHA-256 (FIPS 180-4) of bytes that arrive in pieces. Words are 32 bits in OCaml's 63-bit integers. *)

type t = { state : int array; block : Bytes.t; mutable filled : int; mutable bytes : int }

let k =
  [| 0x428a2f98; 0x71374491; 0xb5c0fbcf; 0xe9b5dba5; 0x3956c25b; 0x59f111f1; 0x923f82a4; 0xab1c5ed5;
     0xd807aa98; 0x12835b01; 0x243185be; 0x550c7dc3; 0x72be5d74; 0x80deb1fe; 0x9bdc06a7; 0xc19bf174;
     0xe49b69c1; 0xefbe4786; 0x0fc19dc6; 0x240ca1cc; 0x2de92c6f; 0x4a7484aa; 0x5cb0a9dc; 0x76f988da;
     0x983e5152; 0xa831c66d; 0xb00327c8; 0xbf597fc7; 0xc6e00bf3; 0xd5a79147; 0x06ca6351; 0x14292967;
     0x27b70a85; 0x2e1b2138; 0x4d2c6dfc; 0x53380d13; 0x650a7354; 0x766a0abb; 0x81c2c92e; 0x92722c85;
     0xa2bfe8a1; 0xa81a664b; 0xc24b8b70; 0xc76c51a3; 0xd192e819; 0xd6990624; 0xf40e3585; 0x106aa070;
     0x19a4c116; 0x1e376c08; 0x2748774c; 0x34b0bcb5; 0x391c0cb3; 0x4ed8aa4a; 0x5b9cca4f; 0x682e6ff3;
     0x748f82ee; 0x78a5636f; 0x84c87814; 0x8cc70208; 0x90befffa; 0xa4506ceb; 0xbef9a3f7; 0xc67178f2 |]

let start () =
  { state = [| 0x6a09e667; 0xbb67ae85; 0x3c6ef372; 0xa54ff53a; 0x510e527f; 0x9b05688c; 0x1f83d9ab; 0x5be0cd19 |];
    block = Bytes.create 64; filled = 0; bytes = 0 }

let mask = 0xffffffff

(* The word twice, side by side: any rotation is then a shift. *)
let twice x = x lor (x lsl 32)

let schedule = Array.make 64 0

let compress h =
  let w = schedule in
  for t = 0 to 15 do
    w.(t) <- Int32.to_int (Bytes.get_int32_be h.block (4 * t)) land mask
  done;
  for t = 16 to 63 do
    let x = w.(t - 15) and y = w.(t - 2) in
    let xx = twice x and yy = twice y in
    let s0 = (xx lsr 7) lxor (xx lsr 18) lxor (x lsr 3) in
    let s1 = (yy lsr 17) lxor (yy lsr 19) lxor (y lsr 10) in
    w.(t) <- (w.(t - 16) + (s0 land mask) + w.(t - 7) + (s1 land mask)) land mask
  done;
  let s = h.state in
  let rec round t a b c d e f g i =
    if t = 64 then begin
      s.(0) <- (s.(0) + a) land mask; s.(1) <- (s.(1) + b) land mask;
      s.(2) <- (s.(2) + c) land mask; s.(3) <- (s.(3) + d) land mask;
      s.(4) <- (s.(4) + e) land mask; s.(5) <- (s.(5) + f) land mask;
      s.(6) <- (s.(6) + g) land mask; s.(7) <- (s.(7) + i) land mask
    end
    else begin
      let ee = twice e and aa = twice a in
      let s1 = ((ee lsr 6) lxor (ee lsr 11) lxor (ee lsr 25)) land mask in
      let choice = (e land f) lxor (lnot e land g) in
      let t1 = i + s1 + (choice land mask) + k.(t) + w.(t) in
      let s0 = ((aa lsr 2) lxor (aa lsr 13) lxor (aa lsr 22)) land mask in
      let majority = (a land b) lxor (a land c) lxor (b land c) in
      round (t + 1) ((t1 + s0 + majority) land mask) a b c ((d + t1) land mask) e f g
    end
  in
  round 0 s.(0) s.(1) s.(2) s.(3) s.(4) s.(5) s.(6) s.(7)

let add h text =
  let length = String.length text in
  h.bytes <- h.bytes + length;
  let position = ref 0 in
  while !position < length do
    let room = 64 - h.filled and left = length - !position in
    let count = if left < room then left else room in
    Bytes.blit_string text !position h.block h.filled count;
    h.filled <- h.filled + count;
    position := !position + count;
    if h.filled = 64 then begin
      compress h;
      h.filled <- 0
    end
  done

(* 64 hexadecimal digits; the state is used up. *)
let finish h =
  let bits = 8 * h.bytes in
  let zeros = (119 - (h.bytes mod 64)) mod 64 in
  add h ("\x80" ^ String.make zeros '\x00');
  Bytes.set_int64_be h.block 56 (Int64.of_int bits);
  compress h;
  String.concat "" (List.map (Printf.sprintf "%08x") (Array.to_list h.state))
