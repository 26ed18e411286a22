; A round's end: the wait after a clear, and modes 5 and 7 after a top-out.  round_step counts its stages.
.include "ram.inc"
.include "routines.inc"

CLEAR_FRAMES = 64
BOX_FRAMES = 32
LOSS_FRAMES = 64
OVER_FRAMES = 128
LAST_LEVEL = 24

.segment "CODE"

; --- mode 4 after a clear ---------------------------------------------------------------------
.proc begin_clear
  jsr note_clear_loser
  lda #CLEAR_FRAMES
  sta countdown
  lda #1
  sta round_step
  lda #0
  sta pause_allowed
  rts
.endproc

; Two players: who did not clear has lost the round; both at once is a draw.
.proc note_clear_loser
  jsr two_play
  bcc @done
  ldx #0
  lda P2 + O_VIRUSES
  beq :+
  ldx #2
: lda P1 + O_VIRUSES
  beq :+
  ldx #1
: stx round_loser
@done:
  rts
.endproc

; 1: the last cells vanish; 2: the box stands; 3: START goes on; 4: so it does after a cutscene.
.proc after_clear
  lda round_step
  cmp #3
  bcs @start
  lda countdown
  cmp #CLEAR_FRAMES
  bne :+
  jsr vanish_last_cells
: dec countdown
  bne @done
  inc round_step
  lda round_step
  cmp #3
  beq @done
  lda #BOX_FRAMES
  sta countdown
  jsr name_winner
  jmp show_clear
@start:
  lda p1_pressed
  and #BTN_START
  beq @done
  jmp leave_clear
@done:
  rts
.endproc

.proc vanish_last_cells
  ldx #4
  lda P1 + O_VIRUSES
  jsr @player
  jsr two_play
  bcc @done
  ldx #5
  lda P2 + O_VIRUSES
@player:
  bne @done
  jsr load_player
  jsr update_field
  jmp save_player
@done:
  rts
.endproc

.proc leave_clear
  jsr two_play
  bcs @versus
  lda round_step
  cmp #3
  bne @next_level
  jsr cutscene_due
  bcc @next_level
  inc round_step
  jmp show_cutscene
@next_level:
  lda #0
  sta final_scene
  lda P1 + O_LEVEL
  cmp #LAST_LEVEL
  bcs next_round
  inc P1 + O_LEVEL
  jmp next_round
@versus:
  jsr match_decided
  bcc next_round
  jmp leave_to_options
.endproc

next_round:
  lda #MODE_INIT
  sta mode
  rts

; Carry set: levels 5, 10, 15 and 20 end with a cutscene, at LOW the last of them alone.
.proc cutscene_due
  lda P1 + O_LEVEL
  cmp #20
  beq @due
  ldx P1 + O_SPEED
  beq @not
  cmp #5
  beq @due
  cmp #10
  beq @due
  cmp #15
  beq @due
@not:
  clc
  rts
@due:
  sec
  rts
.endproc

; --- mode 5: one frame after a top-out -----------------------------------------------------------------
.proc topped_out
  lda #1
  sta round_step
  lda #LOSS_FRAMES
  sta countdown
  lda #MODE_ROUND_OVER
  sta mode
  jsr two_play
  bcs @versus
  jmp keep_high_score
@versus:
  ldx P1 + O_LOST
  beq @second_lost
  lda P2 + O_LOST
  bne @draw
  lda #1
  sta round_loser
  inc P2 + O_WINS
@draw:
  rts
@second_lost:
  lda #2
  sta round_loser
  inc P1 + O_WINS
  rts
.endproc

; --- mode 7: 1: the field as it was lost; 2: two players see who won; 3: START goes on ----------------------
.proc round_over
  lda round_step
  cmp #3
  beq @start
  dec countdown
  bne @done
  inc round_step
  lda round_step
  cmp #3
  beq @over
  lda #OVER_FRAMES
  sta countdown
  jsr two_play
  bcc @done
  jsr name_winner
  jmp show_round_lost
@over:
  jsr two_play
  bcc game_over
  jsr match_decided
  bcs game_over
  rts
@start:
  lda p1_pressed
  cmp #BTN_START                ; exactly
  bne @done
  jsr two_play
  bcc leave_to_options
  jsr match_decided
  bcs leave_to_options
  jmp next_round
@done:
  rts
.endproc

; Player 1 alone "wins" too, where three levels were cleared before: as the original has it.
.proc game_over
  ldx #2
  lda P1 + O_WINS
  cmp wins_needed
  bne :+
  ldx #1
: stx round_winner
  lda #0
  sta round_loser
  jmp show_game_over
.endproc

.proc leave_to_options
  lda #CELL_BLANK
  jsr fill_fields
  lda #0
  sta level_sprites
  sta field_shown
  sta round_step
  sta round_loser
  sta option_row
  lda saved_level
  sta P1 + O_LEVEL
  lda #MODE_OPTIONS
  sta mode
  rts
.endproc

; --- two players ------------------------------------------------------------------------------------------
; Carry set: the match is decided, for player X; player 1 is asked first.
.proc match_decided
  ldx #1
  lda P1 + O_WINS
  cmp wins_needed
  bcs @done
  inx
  lda P2 + O_WINS
  cmp wins_needed
@done:
  rts
.endproc

; Who has won the match, else who has not lost the round; 0 in a draw, always 1 for a player alone.
.proc name_winner
  ldx #1
  jsr two_play
  bcc @known
  jsr match_decided
  bcs @known
  ldx #0
  lda round_loser
  beq @known
  eor #3
  tax
@known:
  stx round_winner
  rts
.endproc
