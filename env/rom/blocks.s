; The player block: copied to zero page for a player's turn and back.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; X = 4 or 5: the player's number and the page of the field.
.proc load_player
  stx player
  stx field_below + 1
  stx field_belowr + 1
  lda #0
  sta field
  lda #8
  sta field_below
  lda #9
  sta field_belowr
  cpx #5
  beq @two
  ldx #BLOCK_SIZE - 1
: lda P1, x
  sta P, x
  dex
  bpl :-
  lda p1_pressed
  sta pressed
  lda p1_held
  sta held
  rts
@two:
  ldx #BLOCK_SIZE - 1
: lda P2, x
  sta P, x
  dex
  bpl :-
  lda p2_pressed
  sta pressed
  lda p2_held
  sta held
  rts
.endproc

.proc save_player
  ldx #BLOCK_SIZE - 1
  lda player
  cmp #5
  beq @two
: lda P, x
  sta P1, x
  dex
  bpl :-
  rts
@two:
  lda P, x
  sta P2, x
  dex
  bpl @two
  rts
.endproc

; One player alone: the second block keeps the state at the start of the level.
.proc copy_to_player_two
  ldx #BLOCK_SIZE - 1
: lda P1, x
  sta P2, x
  dex
  bpl :-
  rts
.endproc

; Carry set: two play.
.proc two_play
  lda players
  cmp #2
  rts
.endproc
